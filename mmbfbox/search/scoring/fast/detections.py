"""Detections of a whole batch of images from the outputs of a dense head, beside the forward passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any

import numpy as np
import torch
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from torch import Tensor

from mmbfbox.engine.compat import post_processes_as_mmdet
from mmbfbox.search.scoring.fast.machine import threads_beside
from mmbfbox.search.scoring.fast.suppress import suppress
from mmbfbox.utils.stopwatch import Stopwatch

Detections = dict[str, Tensor]
KEYS = ('bboxes', 'scores', 'labels')


def can_batch(head: Any) -> bool:
    """Whether :func:`detect` can do what a head does: one class, and mmdet's own steps with hard NMS."""
    config = head.test_cfg
    return (
        isinstance(head, BaseDenseHead)
        and post_processes_as_mmdet(head)
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
    stopwatch: Stopwatch | None = None,
) -> Future[list[Detections]]:
    """The boxes and scores of ``head.predict_by_feat``, to the last bit, for all images at once.

    Threads work on it while the caller goes on. Where boxes of the very same score compete, mmdet's
    result depends on how its sorting happens to order them: there it computes the image itself.
    Elsewhere they may only stand in another order.

    Args:
        head: a dense head; one that :func:`can_batch` refuses computes everything itself.
        scores: of each level, ``(N, priors, H, W)``, before the sigmoid.
        deltas: of each level, ``(N, 4 * priors, H, W)``.
        metas: meta keys of each image: ``img_shape`` and ``scale_factor``.
        stopwatch: measures the threads' work.

    Returns:
        What will hold, for each image, ``bboxes`` (``(D, 4)`` xyxy pixels of the original image),
        ``scores`` and ``labels``, the best first, on the CPU.
    """
    beside = _beside(scores[0].device)
    measured = stopwatch or Stopwatch(running=False)

    def work() -> list[Detections]:
        with torch.inference_mode(), beside(), measured('post-processing', wait=False):
            if can_batch(head):
                return _detect(head, scores, deltas, metas)
            return _by_mmdet(head, scores, deltas, metas)

    return _pool(scores[0].device.type).submit(work)


@cache
def _pool(device_type: str) -> ThreadPoolExecutor:
    """The threads; the compiled code holds no lock."""
    return ThreadPoolExecutor(threads_beside(device_type), 'detections')


def _beside(device: torch.device) -> Callable[[], Any]:
    """A context for another thread, in which the device works beside what it is given meanwhile.

    What it has been given so far is done first.
    """
    if device.type != 'cuda':
        return nullcontext
    before = torch.cuda.Event()
    before.record()

    @contextmanager
    def context() -> Iterator[None]:
        stream = _second_stream(device)
        stream.wait_event(before)
        with torch.cuda.stream(stream):
            yield

    return context


@cache
def _second_stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)


def _by_mmdet(
    head: Any,
    scores: Sequence[Tensor],
    deltas: Sequence[Tensor],
    metas: Sequence[Mapping[str, Any]],
) -> list[Detections]:
    found = head.predict_by_feat(
        list(scores), list(deltas), batch_img_metas=list(metas), rescale=True
    )
    return [{key: instances[key].cpu() for key in KEYS} for instances in found]


def _detect(
    head: Any,
    scores: Sequence[Tensor],
    deltas: Sequence[Tensor],
    metas: Sequence[Mapping[str, Any]],
) -> list[Detections]:
    config = head.test_cfg
    boxes, values, levels = _sorted(head, scores, deltas, metas)
    limit = config.get('nms_pre', -1)
    places, ties = suppress(
        boxes.numpy(),
        values.numpy(),
        levels.numpy(),
        threshold=config.nms.iou_threshold,
        most=config.max_per_img,
        most_a_level=limit if limit > 0 else np.iinfo(np.int64).max,
        least_side=config.get('min_bbox_size', -1),
    )
    detections = []
    for image, (place, tie) in enumerate(zip(places, ties, strict=True)):
        if tie:
            one = slice(image, image + 1)
            level_scores, level_deltas = ([x[one] for x in xs] for xs in (scores, deltas))
            detections += _by_mmdet(head, level_scores, level_deltas, metas[one])
            continue
        kept = torch.from_numpy(place)
        labels = torch.zeros(len(kept), dtype=torch.long)
        found = dict(bboxes=boxes[image, kept], scores=values[image, kept], labels=labels)
        detections.append(found)
    return detections


def _sorted(
    head: Any,
    scores: Sequence[Tensor],
    deltas: Sequence[Tensor],
    metas: Sequence[Mapping[str, Any]],
) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes ``(N, K, 4)``, scores ``(N, K)`` and levels ``(N, K)``, the best first, on the CPU.

    K is the most boxes above the threshold that an image has; the others' scores are -1.
    """
    values = torch.cat([_sigmoid(_flat(level, 1).squeeze(2)) for level in scores], 1)
    values = values.where(values > head.test_cfg.get('score_thr', 0), -1.0)
    boxes = _decode(head, deltas, metas)
    most = int((values >= 0).sum(1).max())
    values, order = _falling(values)
    values, order = values[:, :most], order[:, :most]
    sizes = torch.tensor([level[0].numel() for level in scores])
    levels = torch.repeat_interleave(sizes).to(order.device, torch.int8)[order]
    boxes = boxes.gather(1, order.unsqueeze(2).expand(-1, -1, 4))
    return boxes.cpu(), values.cpu(), levels.cpu()


def _falling(values: Tensor) -> tuple[Tensor, Tensor]:
    """Each row ``(N, A)`` sorted, the greatest first, and the places that its values had."""
    if values.is_cpu:
        # Floats from 0 on are ordered like their bits, and whole numbers are sorted ten times as fast.
        keys = values.clamp(min=0).numpy().view(np.uint32).astype(np.uint64) << np.uint64(32)
        keys |= np.arange(values.shape[1], dtype=np.uint64)
        keys.sort(1)
        order = torch.from_numpy((keys[:, ::-1] & np.uint64(2**32 - 1)).astype(np.int64))
        return values.gather(1, order), order
    return values.sort(1, descending=True)


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
