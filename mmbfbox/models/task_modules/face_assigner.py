"""Which anchors learn which face, and which anchors learn nothing."""

from __future__ import annotations

import torch
from mmdet.models.task_modules.assigners import AssignResult, BaseAssigner
from mmdet.registry import TASK_UTILS
from mmengine.structures import InstanceData
from torch import Tensor

from mmbfbox.errors import UserError

_SMALLEST_AREA = 1e-6
"""Of a union, so that empty boxes have an IoU of 0; mmdet's."""


@TASK_UTILS.register_module()
class FaceAssigner(BaseAssigner):
    """Match anchors with faces by IoU (paper, section 5.1), and leave ignored faces alone.

    An anchor is positive for the face that it overlaps most if the IoU is at least ``pos_iou_thr``.
    Every face also gets its best anchor, whatever the IoU. All other anchors are negative, but for two
    groups that have no loss at all, because they look at an ignored face:

    * anchors whose IoU with an ignored face is at least ``pos_iou_thr``;
    * anchors of the finest level whose centre lies in an ignored face, grown by ``margin`` pixels: the
      face is too small for any anchor to reach the threshold. (mmdet's ``ignore_iof_thr`` cannot say
      this: either it never fires for an 8-pixel face in a 16-pixel anchor, or it silences every larger
      anchor that contains the face, and its true matches with it.)

    The faces are visited in chunks, so that memory grows with the anchors and not with anchors times
    faces, and nothing is read back from the device. The result is that of mmdet's MaxIoUAssigner with
    one threshold.

    Args:
        pos_iou_thr: lowest IoU of a positive anchor. Defaults to 0.35.
        min_pos_iou: lowest IoU of a face's best anchor. Defaults to 0: every face gets one.
        margin: pixels by which an ignored face grows, half the finest stride. Defaults to 2.
        chunk: faces compared at a time. Defaults to 16.

    Raises:
        UserError: a threshold is not in 0..1.

    Example:
        >>> from mmengine.structures import InstanceData
        >>> anchors = InstanceData(priors=torch.tensor([[0., 0, 16, 16], [8, 0, 24, 16], [64, 64, 80, 80]]))
        >>> face = InstanceData(bboxes=torch.tensor([[1., 1, 15, 15]]), labels=torch.tensor([0]))
        >>> FaceAssigner().assign(anchors, face).gt_inds
        tensor([1, 0, 0])
    """

    def __init__(
        self,
        pos_iou_thr: float = 0.35,
        min_pos_iou: float = 0.0,
        margin: float = 2.0,
        chunk: int = 16,
    ) -> None:
        if not (0 < pos_iou_thr <= 1 and 0 <= min_pos_iou <= 1):
            raise UserError(
                f'pos_iou_thr is {pos_iou_thr} and min_pos_iou {min_pos_iou}; both must be in 0..1'
            )
        self.pos_iou_thr = pos_iou_thr
        self.min_pos_iou = min_pos_iou
        self.margin = margin
        self.chunk = chunk

    def assign(
        self,
        pred_instances: InstanceData,
        gt_instances: InstanceData,
        gt_instances_ignore: InstanceData | None = None,
        **kwargs: object,
    ) -> AssignResult:
        """Assign every anchor.

        Args:
            pred_instances: ``priors`` (A, 4) xyxy pixels.
            gt_instances: ``bboxes`` (F, 4) xyxy pixels and ``labels`` (F,).
            gt_instances_ignore: ``bboxes`` (I, 4) of the ignored faces.

        Returns:
            ``gt_inds`` (A,): face number from 1, 0 for background, -1 for no loss.
        """
        anchors = pred_instances.priors
        faces, labels = gt_instances.bboxes, gt_instances.labels
        best_iou = anchors.new_zeros(len(anchors))
        best_face = anchors.new_zeros(len(anchors), dtype=torch.long)
        best_anchors, best_anchor_ious = [], []
        boxes = _Boxes(anchors)
        for start in range(0, len(faces) if len(anchors) else 0, self.chunk):
            overlaps = boxes.iou(faces[start : start + self.chunk])
            iou, face = overlaps.max(dim=0)
            better = iou > best_iou
            best_iou = torch.where(better, iou, best_iou)
            best_face = torch.where(better, face + start, best_face)
            iou, anchor = overlaps.max(dim=1)
            best_anchors.append(anchor)
            best_anchor_ious.append(iou)

        assigned = torch.where(best_iou >= self.pos_iou_thr, best_face + 1, 0)
        if best_anchors:
            numbers = torch.arange(1, len(faces) + 1, device=anchors.device)
            numbers = torch.where(torch.cat(best_anchor_ious) < self.min_pos_iou, 0, numbers)
            # Where faces share their best anchor, the last one takes it, as in mmdet.
            forced = torch.zeros_like(assigned).scatter_reduce(
                0, torch.cat(best_anchors), numbers, 'amax'
            )
            assigned = torch.where(forced > 0, forced, assigned)
        if gt_instances_ignore is not None and len(gt_instances_ignore) and len(anchors):
            ignored = self._ignored(boxes, gt_instances_ignore.bboxes)
            assigned = torch.where(ignored & (assigned == 0), -1, assigned)

        assigned_labels = torch.full_like(assigned, -1)
        if len(faces):
            matched = labels[(assigned - 1).clamp(min=0)]
            assigned_labels = torch.where(assigned > 0, matched, assigned_labels)
        return AssignResult(len(faces), assigned, best_iou, labels=assigned_labels)

    def _ignored(self, anchors: _Boxes, faces: Tensor) -> Tensor:
        """Anchors (A,) that look at an ignored face."""
        finest = anchors.widths <= anchors.widths.min() * 1.001
        x, y = anchors.centres
        ignored = torch.zeros_like(finest)
        for start in range(0, len(faces), self.chunk):
            chunk = faces[start : start + self.chunk]
            ignored |= (anchors.iou(chunk) >= self.pos_iou_thr).any(dim=0)
            left, top, right, bottom = chunk.t()[..., None]
            inside = (x >= left - self.margin) & (x <= right + self.margin)
            inside &= (y >= top - self.margin) & (y <= bottom + self.margin)
            ignored |= finest & inside.any(dim=0)
        return ignored


class _Boxes:
    """The anchors (A, 4), laid out so that they are quickly compared with a few faces.

    mmdet's ``bbox_overlaps`` gives the same numbers, but computes the areas anew for each chunk and
    copies a constant to the device each time, which waits for it.
    """

    def __init__(self, boxes: Tensor) -> None:
        self._sides = boxes.t().contiguous()
        left, top, right, bottom = self._sides
        self.widths = right - left
        self.centres = (left + right) / 2, (top + bottom) / 2
        self._areas = self.widths * (bottom - top)

    def iou(self, faces: Tensor) -> Tensor:
        """IoU (F, A) with faces (F, 4)."""
        left, top, right, bottom = faces.t()[..., None]
        areas = (right - left) * (bottom - top)
        overlap = torch.minimum(right, self._sides[2]).sub_(torch.maximum(left, self._sides[0]))
        height = torch.minimum(bottom, self._sides[3]).sub_(torch.maximum(top, self._sides[1]))
        overlap.clamp_(min=0).mul_(height.clamp_(min=0))
        return overlap.div_((areas + self._areas).sub_(overlap).clamp_(min=_SMALLEST_AREA))
