"""Detections of a whole batch of images from the outputs of a dense head."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import torch
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from torch import Tensor

from mmbfbox.search.fast.suppress import suppress

Detections = dict[str, Tensor]
KEYS = ('bboxes', 'scores', 'labels')


def can_batch(head: Any) -> bool:
    """Whether :func:`detect` can do what a head does: one class, and mmdet's own steps with hard NMS."""
    config = head.test_cfg
    return (
        isinstance(head, BaseDenseHead)
        and type(head).predict_by_feat is BaseDenseHead.predict_by_feat
        and type(head)._bbox_post_process is BaseDenseHead._bbox_post_process
        and head.cls_out_channels == 1
        and head.use_sigmoid_cls
        and not getattr(head.loss_cls, 'custom_cls_channels', False)
        and set(config.nms) == {'type', 'iou_threshold'}
        and config.nms.type == 'nms'
    )


def detect(
    head: Any,
    scores: Sequence[Tensor],
    deltas: Sequence[Tensor],
    metas: Sequence[Mapping[str, Any]],
) -> Callable[[], list[Detections]]:
    """The boxes and scores of ``head.predict_by_feat``, to the last bit, for all images at once.

    The device decodes and sorts, a thread of the CPU suppresses while the device goes on. Where boxes of
    the very same score compete, mmdet's result depends on how its sorting happens to order them: there it
    computes the image itself. Elsewhere they may only stand in another order.

    Args:
        head: a dense head; one that :func:`can_batch` refuses computes everything itself.
        scores: of each level, ``(N, priors, H, W)``, before the sigmoid.
        deltas: of each level, ``(N, 4 * priors, H, W)``.
        metas: meta keys of each image: ``img_shape`` and ``scale_factor``.

    Returns:
        What waits for the result: for each image ``bboxes`` (``(D, 4)`` xyxy pixels of the original
        image), ``scores`` and ``labels``, the best first, on the CPU.
    """

    def by_mmdet(images: slice) -> list[Detections]:
        found = head.predict_by_feat(
            [level[images] for level in scores],
            [level[images] for level in deltas],
            batch_img_metas=list(metas[images]),
            rescale=True,
        )
        return [{key: instances[key].cpu() for key in KEYS} for instances in found]

    if not can_batch(head):
        return lambda: by_mmdet(slice(None))
    config = head.test_cfg
    values = torch.cat([_sigmoid(_flat(level, 1).squeeze(2)) for level in scores], 1)
    values, order = values.where(values > config.get('score_thr', 0), -1.0).sort(1, descending=True)
    # As many columns as the image with the most candidates needs.
    most = int((values >= 0).sum(1).max())
    values, order = values[:, :most], order[:, :most]
    boxes = _decode(head, deltas, metas).gather(1, order.unsqueeze(2).expand(-1, -1, 4))
    sizes = [level[0].numel() for level in scores]
    levels = torch.repeat_interleave(torch.tensor(sizes)).to(order.device)[order]
    boxes, values, levels = boxes.cpu(), values.cpu(), levels.cpu()
    limit = config.get('nms_pre', -1)
    waiting = _pool().submit(
        suppress,
        boxes.numpy(),
        values.numpy(),
        levels.numpy(),
        threshold=config.nms.iou_threshold,
        most=config.max_per_img,
        most_a_level=limit if limit > 0 else np.iinfo(np.int64).max,
        least_side=config.get('min_bbox_size', -1),
    )

    def finish() -> list[Detections]:
        detections = []
        for image, (place, tie) in enumerate(zip(*waiting.result(), strict=True)):
            if tie:
                detections += by_mmdet(slice(image, image + 1))
                continue
            kept = torch.from_numpy(place)
            labels = torch.zeros(len(kept), dtype=torch.long)
            found = dict(bboxes=boxes[image, kept], scores=values[image, kept], labels=labels)
            detections.append(found)
        return detections

    return finish


@cache
def _pool() -> ThreadPoolExecutor:
    """A thread beside the one that feeds the device; the compiled code holds no lock."""
    return ThreadPoolExecutor(1, 'suppress')


def _flat(level: Tensor, channels: int) -> Tensor:
    """``(N, priors * channels, H, W)`` to ``(N, H * W * priors, channels)``."""
    return level.permute(0, 2, 3, 1).reshape(len(level), -1, channels)


def _sigmoid(values: Tensor) -> Tensor:
    """The sigmoid of ``(N, A)``, on the CPU one image at a time, as mmdet does.

    Where an array does not fill the CPU's vector registers, the last bit depends on its length.
    """
    return torch.stack([row.sigmoid() for row in values]) if values.is_cpu else values.sigmoid()


def _decode(head: Any, deltas: Sequence[Tensor], metas: Sequence[Mapping[str, Any]]) -> Tensor:
    """All boxes, ``(N, A, 4)``, in pixels of the original images."""
    sizes = [level.shape[-2:] for level in deltas]
    like = dict(dtype=deltas[0].dtype, device=deltas[0].device)
    priors = torch.cat(head.prior_generator.grid_priors(sizes, **like))
    flat = torch.cat([_flat(level, 4) for level in deltas], 1)
    shapes = {tuple(meta['img_shape']) for meta in metas}
    if len(shapes) == 1:
        every = priors.repeat(len(metas), 1)
        boxes = head.bbox_coder.decode(every, flat.reshape(-1, 4), max_shape=shapes.pop())
    else:
        decode = head.bbox_coder.decode
        parts = zip(flat, metas, strict=True)
        boxes = torch.cat([decode(priors, part, max_shape=m['img_shape']) for part, m in parts])
    factors = [[[1 / factor for factor in meta['scale_factor']] * 2] for meta in metas]
    decoded: Tensor = boxes.reshape(flat.shape) * boxes.new_tensor(factors)
    return decoded
