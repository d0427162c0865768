"""A detector that looks at every image several times and votes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.model import BaseTTAModel
from mmengine.structures import InstanceData
from numpy.typing import NDArray
from torch import Tensor

from mmbfbox.errors import UserError
from mmbfbox.inference.views import PRESETS, View
from mmbfbox.utils.box_voting import SINGLETONS, vote_boxes

Floats = NDArray[np.float64]


@MODELS.register_module()
class MultiViewDetector(BaseTTAModel):
    """Multi-scale testing with flips and box voting, around any single-stage mmdet detector.

    Images come at their original size (a test pipeline that only loads and packs). Each view is made,
    detected with the detector's own NMS, mapped back to the original image and filtered by size; all
    boxes are voted on. Checkpoints of the detector load as they are.

    Args:
        module: the detector, or its config.
        preset: ``'s3fd'``, ``'dsfd'``, ``'mogface'`` or ``'mogface_hard'``; sets everything below.
        scales: without a preset, the scales of the views.
        flip: without a preset, whether each scale is also seen mirrored.
        vote_iou: without a preset, see :func:`vote_boxes`.
        singletons: without a preset, see :func:`vote_boxes`.

    Raises:
        UserError: the preset is unknown, or a key is out of range.

    Shapes: a batch of images ``(3, H, W)`` uint8 to data samples with ``pred_instances``: ``bboxes``
    ``(N, 4)`` xyxy pixels of the original image, ``scores`` ``(N,)``, ``labels`` ``(N,)`` zeros.
    """

    def __init__(
        self,
        module: Any,
        preset: str | None = None,
        scales: Sequence[float] = (1.0,),
        flip: bool = False,
        vote_iou: float = 0.5,
        singletons: str = 'keep',
    ) -> None:
        super().__init__(module)
        if preset is not None and preset not in PRESETS:
            raise UserError(f'the test preset {preset!r} is unknown; take one of {list(PRESETS)}')
        if not scales or min(scales) <= 0 or singletons not in SINGLETONS:
            raise UserError(
                f'scales={list(scales)} and singletons={singletons!r} were given; scales must be '
                f'above 0, singletons "keep" or "drop"'
            )
        flips = (False, True) if flip else (False,)
        self._views = [View(scale, flipped) for scale in scales for flipped in flips]
        self.preset = None if preset is None else PRESETS[preset]
        self.vote_iou = self.preset.vote_iou if self.preset else vote_iou
        self.singletons = self.preset.singletons if self.preset else singletons
        test_cfg = self.module.bbox_head.test_cfg
        self.limit = test_cfg.get('max_per_img', 750)
        if self.preset and self.preset.nms_iou is not None:
            test_cfg.nms.iou_threshold = self.preset.nms_iou

    def views(self, height: int, width: int) -> list[View]:
        """The views of an image of height x width pixels."""
        return self.preset.views(height, width) if self.preset else self._views

    def test_step(self, data: Any) -> list[DetDataSample]:
        """Detections of each image of a batch."""
        return [
            self._detect(image, sample)
            for image, sample in zip(data['inputs'], data['data_samples'], strict=True)
        ]

    def merge_preds(self, data_samples_list: Any) -> Any:
        """Not used: views are merged where they are made, because their number depends on the image."""
        raise NotImplementedError

    def _detect(self, image: Tensor, sample: DetDataSample) -> DetDataSample:
        size = (image.shape[-2], image.shape[-1])
        if tuple(sample.ori_shape[:2]) != size:
            raise UserError(
                f'{sample.img_path} arrives as {size} and is {tuple(sample.ori_shape[:2])}; '
                f'multi-scale testing needs a pipeline that only loads and packs'
            )
        pixels = np.ascontiguousarray(image.permute(1, 2, 0).cpu().numpy())
        found = [self._look(pixels, sample, view) for view in self.views(*size)]
        voted = vote_boxes(np.concatenate(found), self.vote_iou, self.singletons, self.limit)
        merged = DetDataSample(metainfo=sample.metainfo)
        merged.pred_instances = InstanceData(
            bboxes=torch.from_numpy(voted[:, :4]),
            scores=torch.from_numpy(voted[:, 4]),
            labels=torch.zeros(len(voted), dtype=torch.long),
        )
        return merged

    def _look(self, pixels: NDArray[np.uint8], sample: DetDataSample, view: View) -> Floats:
        """Detections ``(N, 5)`` of one view, in pixels of the original image."""
        height, width = pixels.shape[:2]
        size = (max(1, round(height * view.scale)), max(1, round(width * view.scale)))
        seen: NDArray[Any] = pixels
        if size != (height, width):
            seen = cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_LINEAR)
        if view.flip:
            seen = seen[
                :, ::-1
            ].copy()  # ascontiguousarray leaves the stride of one column negative
        meta = dict(img_shape=size, ori_shape=size, scale_factor=(1.0, 1.0))
        seen_sample = DetDataSample(metainfo={**sample.metainfo, **meta})
        tensor = torch.from_numpy(seen).permute(2, 0, 1)
        (result,) = self.module.test_step(dict(inputs=[tensor], data_samples=[seen_sample]))
        instances = result.pred_instances
        boxes = view.to_image(instances.bboxes.cpu().double().numpy(), (height, width), size)
        detections = np.hstack((boxes, instances.scores.cpu().double().numpy()[:, None]))
        return detections[view.trusts(boxes)]
