"""Anchors, laid out so that they are quickly compared with a few faces, and those at ignored faces."""

from __future__ import annotations

import torch
from mmdet.models.task_modules.assigners import AssignResult
from mmengine.structures import InstanceData
from torch import Tensor

_SMALLEST_AREA = 1e-6
"""Of a union, so that empty boxes have an IoU of 0; mmdet's."""


class AnchorBoxes:
    """The anchors (A, 4) of an image.

    mmdet's ``bbox_overlaps`` gives the same IoU, but computes the areas anew for each chunk of faces and
    copies a constant to the device each time, which waits for it.

    Args:
        boxes: (A, 4) xyxy pixels.

    Attributes:
        widths: (A,) pixels.
        centres: x (A,) and y (A,).
    """

    def __init__(self, boxes: Tensor) -> None:
        self._sides = boxes.t().contiguous()
        left, top, right, bottom = self._sides
        self.widths = right - left
        self.centres = (left + right) / 2, (top + bottom) / 2
        self._areas = self.widths * (bottom - top)

    def iou(self, faces: Tensor, chosen: Tensor | None = None) -> Tensor:
        """IoU of faces (F, 4) with all anchors, (F, A), or with those ``chosen`` for each, (F, K)."""
        sides = self._sides if chosen is None else self._sides[:, chosen]
        anchor_areas = self._areas if chosen is None else self._areas[chosen]
        left, top, right, bottom = faces.t()[..., None]
        areas = (right - left) * (bottom - top)
        overlap = torch.minimum(right, sides[2]).sub_(torch.maximum(left, sides[0]))
        height = torch.minimum(bottom, sides[3]).sub_(torch.maximum(top, sides[1]))
        overlap.clamp_(min=0).mul_(height.clamp_(min=0))
        return overlap.div_((areas + anchor_areas).sub_(overlap).clamp_(min=_SMALLEST_AREA))

    def at_ignored(
        self, faces: InstanceData | None, iou_thr: float, margin: float, chunk: int = 16
    ) -> Tensor | None:
        """Anchors (A,) that look at an ignored face, and so shall have no loss.

        These are the anchors whose IoU with one is at least ``iou_thr``, and those of the finest level
        whose centre lies in one, grown by ``margin`` pixels: the face is too small for any anchor to
        reach the threshold. (mmdet's ``ignore_iof_thr`` cannot say this: either it never fires for an
        8-pixel face in a 16-pixel anchor, or it silences every larger anchor that contains the face, and
        its true matches with it.)

        Args:
            faces: ``bboxes`` (I, 4) of the ignored faces, compared ``chunk`` at a time.

        Returns:
            None if there are no ignored faces.
        """
        if faces is None or not len(faces) or not len(self.widths):
            return None
        finest = self.widths <= self.widths.min() * 1.001
        x, y = self.centres
        ignored = torch.zeros_like(finest)
        for boxes in faces.bboxes.split(chunk):
            ignored |= (self.iou(boxes) >= iou_thr).any(dim=0)
            left, top, right, bottom = boxes.t()[..., None]
            inside = (x >= left - margin) & (x <= right + margin)
            inside &= (y >= top - margin) & (y <= bottom + margin)
            ignored |= finest & inside.any(dim=0)
        return ignored


def as_result(
    assigned: Tensor, faces: InstanceData, ignored: Tensor | None, best_iou: Tensor
) -> AssignResult:
    """The result of an assigner; where nothing is assigned and ``ignored`` is set, there is no loss.

    Args:
        assigned: (A,) face number from 1; 0 for background.
        faces: with ``labels`` (F,).
        ignored: (A,) or None.
        best_iou: (A,) IoU with the face.
    """
    if ignored is not None:
        assigned = torch.where(ignored & (assigned == 0), -1, assigned)
    labels = torch.full_like(assigned, -1)
    if len(faces):
        matched = faces.labels[(assigned - 1).clamp(min=0)]
        labels = torch.where(assigned > 0, matched, labels)
    return AssignResult(len(faces), assigned, best_iou, labels=labels)
