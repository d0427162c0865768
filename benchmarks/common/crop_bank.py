"""The crops of a training and what each of their anchors should say, rendered once, kept on the device.

Which anchor learns which face depends on the crop alone, so networks that share data, anchors and assigner
share the targets, too. Nothing in a step depends on the data's shape any more.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import islice
from typing import Any

import cv2
import numpy as np
import torch
from mmdet.models.utils import unpack_gt_instances
from mmdet.registry import DATASETS, MODELS
from mmengine import Config
from mmengine.registry import init_default_scope
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from benchmarks.common.scripts import tell_progress
from mmbfbox.datasets import ResumableSampler
from mmbfbox.errors import UserError
from mmbfbox.models.dense_heads.dense_targets import DenseTargets
from mmbfbox.search.scoring.fast.machine import GIB, default_memory
from mmbfbox.utils.fingerprint import fingerprint
from mmbfbox.utils.quiet import errors_only

SHARE = 2
"""How many times as much as a scorer's caches crops may take of the free memory: four fifths."""

_TOGETHER = 16
"""Crops that a process renders at a time."""

_EVERY = 200
"""Batches between two lines that say how far it is."""

NARROW = dict(labels=torch.int16, weights=torch.bool, boxes=torch.float32, positive=torch.bool)
"""How targets are kept."""


class CropBank:
    """The crops of a whole training, in their order: those that ``tools/train.py`` would render.

    Args:
        config: of the training, with its model.
        seed: of the data order and the augmentation.
        crops: how many, the first ones of the training. A longer training sees them again, in other orders.
        device: where they stay.
        workers: processes that render.
        memory: bytes that they may take; four fifths of what is free there by default.

    Raises:
        UserError: they do not fit into the memory.
    """

    def __init__(
        self, config: Config, seed: int, crops: int, device: str, workers: int = 0,
        memory: float | None = None,
    ) -> None:  # fmt: skip
        init_default_scope('mmdet')
        self.seed, self.device = seed, torch.device(device)
        dataset = _WithTargets(config)
        order = list(islice(ResumableSampler(dataset, seed=seed), crops))
        loader = DataLoader(
            dataset, _TOGETHER, sampler=order, num_workers=workers,
            worker_init_fn=_one_thread,
        )  # fmt: skip
        free = SHARE * default_memory(device) * GIB if memory is None else memory
        self._parts: list[Tensor] = []
        start, began = 0, time.perf_counter()
        for number, batch in enumerate(loader, 1):
            if not self._parts:
                size = sum(part.nbytes for part in batch) / len(batch[0]) * len(order)
                if size > free:
                    raise UserError(
                        f'the {len(order):,} crops of a training take {size / 1e9:.2f} GB with their '
                        f'targets, and {device} has {free / 1e9:.2f} GB for them; leave --at-once '
                        'away, or take another device'
                    )
                self._parts = [
                    torch.empty((len(order), *part.shape[1:]), dtype=part.dtype, device=device)
                    for part in batch
                ]
            for kept, part in zip(self._parts, batch, strict=True):
                kept[start : start + len(part)] = part.to(device)
            start += len(batch[0])
            if number % _EVERY == 0 and start < len(order):
                tell_progress(start, len(order), 'crops rendered', began)

    def __len__(self) -> int:
        """How many crops there are."""
        return len(self._parts[0])

    def order(self, number: int, seed: int) -> Tensor:
        """Which crops ``(number,)`` a training sees, on the device.

        The seed that they were rendered with sees them first as they were rendered; each other pass, and
        each pass of another seed, is a permutation of its own.
        """
        passes: list[NDArray[np.int64]] = []
        while len(passes) * len(self) < number:
            keys = np.random.PCG64(np.random.SeedSequence((seed, len(passes))))
            mixed = np.argsort(keys.random_raw(len(self)), kind='stable')
            as_rendered = seed == self.seed and not passes
            passes.append(np.arange(len(self)) if as_rendered else mixed)
        return torch.from_numpy(np.concatenate(passes)[:number]).to(self.device)

    def take(self, numbers: Tensor) -> tuple[Tensor, DenseTargets]:
        """Images ``(N, 3, H, W)`` uint8 and targets of some crops ``(N,)``."""
        images, labels, weights, boxes, positive = (part[numbers] for part in self._parts)
        return images, DenseTargets(labels.long(), weights.float(), boxes, positive)


def bank_key(config: Config) -> str:
    """What trainings have in common that can share crops and targets."""
    head = config.model.bbox_head
    loader = config.train_dataloader
    shared = [
        loader.dataset, head.type, head.anchor_generator, head.num_classes, config.model.train_cfg,
    ]  # fmt: skip
    return fingerprint(Config(dict(shared=shared)).to_dict())


class _WithTargets:
    """Crops with their targets, both without a batch."""

    def __init__(self, config: Config) -> None:
        dataset = config.train_dataloader.dataset
        if dataset.type == 'StoredSamples':
            # They are kept in memory.
            dataset = dataset.dataset
        self.dataset = DATASETS.build(dataset)
        with errors_only():
            detector: Any = MODELS.build(config.model)
        self.head = detector.bbox_head

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        sample = self.dataset[index]
        image, data = sample['inputs'], sample['data_samples']
        height, width = (int(side) for side in image.shape[-2:])
        faces, ignored, _ = unpack_gt_instances([data])
        for part in (*faces, *ignored):
            part.bboxes = getattr(part.bboxes, 'tensor', part.bboxes)
        sizes = [(-(-height // s[1]), -(-width // s[0])) for s in self._strides()]
        metas: Sequence[dict[str, Any]] = [dict(pad_shape=(height, width))]
        targets = self.head.targets_of(sizes, faces, metas, ignored, image.device)
        narrow = zip(targets, NARROW.values(), strict=True)
        return image, *(part[0].to(dtype) for part, dtype in narrow)

    def _strides(self) -> Sequence[tuple[int, int]]:
        strides: Sequence[tuple[int, int]] = self.head.prior_generator.strides
        return strides


def _one_thread(_: int) -> None:
    """Workers are as many as cores."""
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
