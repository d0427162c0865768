"""Which anchors learn which face, and which anchors learn nothing."""

from __future__ import annotations

import torch
from mmdet.models.task_modules.assigners import AssignResult, BaseAssigner
from mmdet.registry import TASK_UTILS
from mmengine.structures import InstanceData

from mmbfbox.errors import UserError
from mmbfbox.models.task_modules.anchor_boxes import AnchorBoxes, as_result


@TASK_UTILS.register_module()
class FaceAssigner(BaseAssigner):
    """Match anchors with faces by IoU (paper, section 5.1), and leave ignored faces alone.

    An anchor is positive for the face that it overlaps most if the IoU is at least ``pos_iou_thr``.
    Every face also gets its best anchor, whatever the IoU. All other anchors are negative, but for those
    that have no loss at all, because they look at an ignored face: their IoU with it is at least
    ``pos_iou_thr``, or they are of the finest size and their centre lies in it, grown by ``margin`` pixels
    (:meth:`AnchorBoxes.at_ignored`).

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
        faces = gt_instances.bboxes
        best_iou = anchors.new_zeros(len(anchors))
        best_face = anchors.new_zeros(len(anchors), dtype=torch.long)
        best_anchors, best_anchor_ious = [], []
        boxes = AnchorBoxes(anchors)
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
        ignored = boxes.at_ignored(gt_instances_ignore, self.pos_iou_thr, self.margin, self.chunk)
        return as_result(assigned, gt_instances, ignored, best_iou)
