"""What steps cost: images and multiply-adds by counting, hours from a few measured training steps."""

from __future__ import annotations

import copy
import json
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine import Config
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from torch import nn

from mmbfbox.datasets.wider_annotations import parse_wider_annotations
from mmbfbox.models import cost_table, set_arch, space_of, traced_macs
from mmbfbox.models.searchable import is_supernet
from mmbfbox.pipeline.plan import ANNOTATIONS
from mmbfbox.pipeline.step import Step
from mmbfbox.reproduce.plan import Plan

BACKWARD = 3
"""A training step costs this many times a forward pass."""

WIDER_IMAGES, WIDER_SIDE = 3226, 934
"""Validation images of WIDER FACE, and the mean square root of their areas in pixels."""

CPU_SIDE = 256
"""Without a GPU steps of larger images are measured at this side, one image, and scaled by pixels."""

STEPS = 2
ARCHS = 21


@dataclass(frozen=True)
class Cost:
    """What a step takes.

    Attributes:
        images: that the network sees.
        macs: multiply-adds.
        seconds: on the device at hand.
    """

    images: int = 0
    macs: float = 0.0
    seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.images + other.images, self.macs + other.macs, self.seconds + other.seconds
        )

    def __str__(self) -> str:
        return f'{self.images:,} images, {self.macs:.2g} MACs, {duration(self.seconds)}'


def duration(seconds: float) -> str:
    """Hours, or minutes if it is less than one."""
    return f'{seconds / 3600:,.1f} h' if seconds >= 3600 else f'{seconds / 60:.1f} min'


class Estimator:
    """Costs of steps; every network is measured once, and nothing is written.

    Args:
        plan: the steps' plan.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.device = 'cuda' if torch.cuda.is_available() else 'cpu'
        self._known: dict[str, tuple[float, float]] = {}
        self._test_images: int | None = None
        init_default_scope('mmdet')

    @property
    def where(self) -> str:
        """The device, in words."""
        if self.device == 'cpu':
            return f'the CPU, {torch.get_num_threads()} threads'
        return f'{self.plan.gpus} x {torch.cuda.get_device_name()}'

    def of(self, steps: Iterable[Step]) -> dict[str, Cost]:
        """The cost of each step by its name."""
        disabled = logging.root.manager.disable
        logging.disable(logging.WARNING)
        # Random weights make numbers so small that a CPU computes them slowly.
        torch.set_flush_denormal(True)
        try:
            return {step.name: self._of(step) for step in steps}
        finally:
            torch.set_flush_denormal(False)
            logging.disable(disabled)

    def _of(self, step: Step) -> Cost:
        like = self.plan.like.get(step.name)
        if like is None:
            return Cost()
        images, side, factor = amount(step, like, self)
        macs, seconds = self._pixel(like)
        pixels = images * side**2 * factor
        gpus = self.plan.gpus if self.device == 'cuda' else 1
        return Cost(images, pixels * macs, pixels * seconds / gpus)

    def test_images(self) -> int:
        """How many images are tested on."""
        if self._test_images is None:
            file = self.plan.data_root / ANNOTATIONS.format('val')
            made = self.plan.scale.images
            known = made[1] if made else WIDER_IMAGES
            self._test_images = (
                len(parse_wider_annotations(file)) if file.is_file() and not made else known
            )
        return self._test_images

    def _pixel(self, config: Config) -> tuple[float, float]:
        """Multiply-adds and seconds of a forward pass, for each pixel."""
        side = _canvas(config)
        key = json.dumps([config.model.to_dict(), side], default=str)
        if key not in self._known:
            self._known[key] = self._measure(config, side)
        return self._known[key]

    def _measure(self, config: Config, side: int) -> tuple[float, float]:
        number = config.train_dataloader.batch_size
        if self.device == 'cpu' and side > CPU_SIDE:
            number, side = 1, CPU_SIDE
        # Building fills in the config that it is given.
        model = MODELS.build(copy.deepcopy(config.model))
        model.init_weights()
        macs = mean_macs(model, side)
        seconds = step_seconds(model.to(self.device).train(), number, side)
        return macs / side**2, seconds / (number * side**2 * BACKWARD)


def amount(step: Step, config: Any, estimator: Estimator) -> tuple[int, int, int]:
    """Images of a step, their side in pixels, and its cost relative to forward passes.

    Args:
        step: the step.
        config: what it trains, searches or tests.
        estimator: knows the plan and the images.
    """
    if step.tool == 'train':
        gpus = estimator.plan.gpus
        images = config.train_cfg.max_iters * config.train_dataloader.batch_size * gpus
        return images, _canvas(config), BACKWARD
    if step.tool == 'search':
        split = config.held_out_dataloader.dataset
        images = config.search.candidates * (split.held_out + split.recalibration)
        return images, config.search.size[0], 1
    side = estimator.plan.scale.score or WIDER_SIDE
    if '--scheme' in step.arguments:
        side = int(step.arguments[step.arguments.index('--scheme') + 1].split('x')[0])
    return estimator.test_images(), side, 1


def mean_macs(model: nn.Module, side: int) -> float:
    """Multiply-adds of a detector, of a supernet those of the median random arch."""
    if not is_supernet(model):
        return traced_macs(model, (side, side))[1]
    table = cost_table(model, (side, side))
    archs = (table.space.sample(0, index) for index in range(ARCHS))
    return sorted(table.detector(arch).macs for arch in archs)[ARCHS // 2]


def step_seconds(model: Any, number: int, side: int) -> float:
    """Time of a training step on noise, the first one not counted; of a supernet the mean of paths."""
    device = next(model.parameters()).device
    images = torch.randn(number, 3, side, side, device=device)
    sample = DetDataSample(metainfo=dict(img_shape=(side, side), pad_shape=(side, side)))
    boxes = torch.tensor([[0.2, 0.2, 0.4, 0.4]], device=device) * side
    labels = torch.zeros(1, dtype=torch.long, device=device)
    sample.gt_instances = InstanceData(bboxes=boxes, labels=labels)
    sample.ignored_instances = InstanceData(bboxes=boxes[:0])
    seconds = []
    for index in range(STEPS + 1):
        if is_supernet(model):
            set_arch(model, space_of(model).sample(0, index))
        start = time.perf_counter()
        losses = model.loss(images, [sample] * number)
        torch.stack([torch.stack(list(value)).sum() for value in losses.values()]).sum().backward()
        if images.is_cuda:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return sum(seconds[1:]) / STEPS


def _canvas(config: Config) -> int:
    """Side of the training images of a config."""

    def canvases(steps: Any) -> list[int]:
        found = [step['canvas'] for step in steps if 'canvas' in step]
        inner = [canvas for step in steps for canvas in canvases(step.get('transforms', []))]
        return found + inner

    return canvases(config.train_dataloader.dataset.pipeline)[0]
