"""What a detector's head says of each place, in the same terms for every head."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
from torch import Tensor, nn

from mmbfbox.errors import UserError

MAX_LOG_RATIO = abs(math.log(16 / 1000))
"""How much larger or smaller than its anchor mmdet lets a box be, as a logarithm."""


@dataclass(frozen=True)
class Level:
    """The boxes of one level, in strides.

    Attributes:
        stride: pixels from a cell to the next.
        scores: ``(N, A, H, W)``, from 0 to 1.
        shifts: for each anchor ``(N, 2, H, W)``, from the centre of a cell to that of its box, x and y.
        log_halves: for each anchor ``(N, 2, H, W)``, logarithm of half of the box's width and height.
    """

    stride: int
    scores: Tensor
    shifts: list[Tensor]
    log_halves: list[Tensor]


@dataclass(frozen=True)
class HeadGeometry:
    """Where the boxes of an anchor head lie.

    Attributes:
        strides: of the levels, finest first.
        anchors: for each level the anchors ``(A, 4)`` of the cell at the origin, xyxy in pixels.
        means, stds: of the deltas dx, dy, dw, dh.
    """

    strides: tuple[int, ...]
    anchors: tuple[Tensor, ...]
    means: tuple[float, ...]
    stds: tuple[float, ...]

    @classmethod
    def of_detector(cls, detector: nn.Module) -> HeadGeometry:
        """Of a detector.

        Raises:
            UserError: its head has no anchors of which boxes are deltas, or finds more than faces.
        """
        head: Any = getattr(detector, 'bbox_head', None)
        generator: Any = getattr(head, 'prior_generator', None)
        coder: Any = getattr(head, 'bbox_coder', None)
        known = (
            hasattr(generator, 'base_anchors')
            and isinstance(coder, DeltaXYWHBBoxCoder)
            and not coder.add_ctr_clamp
        )
        if not known:
            raise UserError(
                f'the head {type(head).__name__} cannot be exported; give a detector with an anchor '
                f'head like RetinaHead, whose boxes are coded by DeltaXYWHBBoxCoder'
            )
        if head.cls_out_channels != 1 or not getattr(head.loss_cls, 'use_sigmoid', False):
            raise UserError(
                f'the head {type(head).__name__} gives {head.cls_out_channels} scores to a box; expected '
                f'a detector of one class with a sigmoid'
            )
        strides = [tuple(map(int, stride)) for stride in generator.strides]
        if any(across != down for across, down in strides):
            raise UserError(f'the head has the strides {strides}; expected the same in x and y')
        return cls(
            tuple(stride[0] for stride in strides),
            tuple(anchors.detach().cpu().float() for anchors in generator.base_anchors),
            tuple(map(float, coder.means)),
            tuple(map(float, coder.stds)),
        )

    @property
    def anchors_a_cell(self) -> int:
        """How many boxes a cell of the first level has."""
        return len(self.anchors[0])

    def levels(self, outputs: Sequence[Sequence[Tensor]]) -> list[Level]:
        """The levels of what the head's ``forward`` gives.

        Args:
            outputs: logits ``(N, A, H_i, W_i)`` and deltas ``(N, 4 A, H_i, W_i)`` of each level; perhaps
                logits of a factor of the score (centerness).
        """
        levels = []
        parts = zip(self.strides, self.anchors, *outputs, strict=True)
        for stride, anchors, logits, deltas, *factors in parts:
            scores = logits.sigmoid()
            for factor in factors:
                scores = scores * factor.sigmoid()
            shifts, log_halves = [], []
            for number, anchor in enumerate(anchors):
                first = 4 * number
                shift, log_half = self._box(
                    stride, anchor, deltas[:, first : first + 2], deltas[:, first + 2 : first + 4]
                )
                shifts.append(shift)
                log_halves.append(log_half)
            levels.append(Level(stride, scores, shifts, log_halves))
        return levels

    def _box(
        self, stride: int, anchor: Tensor, centre: Tensor, size: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Shift and logarithm of half the size from the deltas of one anchor."""
        sides = (anchor[2:] - anchor[:2]) / stride
        own = (anchor[2:] + anchor[:2]) / (2 * stride) - 0.5
        means, stds = torch.tensor(self.means), torch.tensor(self.stds)
        shift = _affine(centre, sides * stds[:2], own + sides * means[:2])
        log_ratio = _affine(size, stds[2:], means[2:]).clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO)
        return shift, _affine(log_ratio, torch.ones(2), (sides / 2).log())


def _affine(x: Tensor, factor: Tensor, offset: Tensor) -> Tensor:
    """``x * factor + offset`` for each channel of ``x`` ``(N, 2, H, W)``, without idle operators."""
    if not (factor == 1).all():
        x = x * _channels(factor)
    return x if not offset.any() else x + _channels(offset)


def _channels(values: Tensor) -> Tensor:
    """A value for each channel, or one for all."""
    return values[0] if (values == values[0]).all() else values.reshape(-1, 1, 1)
