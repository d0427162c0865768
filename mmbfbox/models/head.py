"""The detection head of the first author's code: one convolution per level and branch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models.dense_heads import RetinaHead
from mmdet.registry import MODELS
from mmdet.utils import reduce_mean
from torch import Tensor, nn
from torch import distributed as dist

from mmbfbox.errors import UserError
from mmbfbox.space.blocks import Conv


@MODELS.register_module()
class PerLevelRetinaHead(RetinaHead):
    """RetinaHead without a tower: each level has its own two 3x3 convolutions.

    At 640x640 and 256 channels this costs 0.4 G multiply-adds; RetinaHead's shared tower of 4 + 4
    convolutions costs 161 G.

    Args:
        kwargs: those of mmdet's RetinaHead, but for ``stacked_convs``, ``conv_cfg`` and ``norm_cfg``.

    Raises:
        UserError: the inputs are not as many as the levels of the anchor generator.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, stacked_convs=0, **kwargs)

    def _init_layers(self) -> None:
        priors = self.num_base_priors
        levels = range(self.prior_generator.num_levels)

        def convs(channels: int) -> nn.ModuleList:
            return nn.ModuleList(
                nn.Conv2d(self.in_channels, channels, 3, padding=1) for _ in levels
            )

        self.retina_cls = convs(priors * self.cls_out_channels)
        self.retina_reg = convs(priors * self.bbox_coder.encode_size)

    def forward(self, x: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Scores and box deltas of each level.

        Args:
            x: maps ``(N, in_channels, H_i, W_i)``, one for each level.

        Returns:
            Scores ``(N, priors * classes, H_i, W_i)`` and deltas ``(N, priors * 4, H_i, W_i)``.
        """
        if len(x) != len(self.retina_cls):
            raise UserError(
                f'the neck gives {len(x)} levels, but the anchor generator has '
                f'{len(self.retina_cls)} strides; give both the same number'
            )
        scores = [conv(level) for conv, level in zip(self.retina_cls, x, strict=True)]
        deltas = [conv(level) for conv, level in zip(self.retina_reg, x, strict=True)]
        return scores, deltas

    def loss_by_feat(
        self, cls_scores: list[Tensor], bbox_preds: list[Tensor], *args: Any, **kwargs: Any
    ) -> dict[str, list[Tensor]]:
        """The losses of each level, computed in float32 also in mixed precision."""
        scores = [score.float() for score in cls_scores]
        deltas = [delta.float() for delta in bbox_preds]
        return super().loss_by_feat(scores, deltas, *args, **kwargs)

    def get_targets(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """mmdet's targets, but the losses are divided by the mean number of positives of all ranks.

        So a face weighs the same on every rank, and the averaged gradient is that of one process with
        the joined batch. mmdet's RetinaHead divides by the rank's own number.
        """
        labels, label_weights, deltas, delta_weights, positives, *rest = super().get_targets(
            *args, **kwargs
        )
        if dist.is_initialized() and dist.get_world_size() > 1:
            positives = reduce_mean(labels[0].new_tensor(positives, dtype=torch.float))
        return labels, label_weights, deltas, delta_weights, positives, *rest


def head_convs(head: RetinaHead) -> tuple[tuple[Conv, ...], bool]:
    """The convolutions that a head applies to each level, and whether the levels share them.

    Raises:
        UserError: neither a PerLevelRetinaHead nor a RetinaHead without norm.
    """
    if not isinstance(head, RetinaHead) or getattr(head, 'norm_cfg', None):
        raise UserError(
            f'the costs of a {type(head).__name__} are not known; use PerLevelRetinaHead, or '
            f'RetinaHead without norm_cfg'
        )

    def conv(width: int, channels: int) -> Conv:
        return Conv(width, channels, (3, 3), norm=False, bias=True)

    priors, width = head.num_base_priors, head.in_channels
    convs = []
    for _ in range(head.stacked_convs):
        convs += [conv(width, head.feat_channels)] * 2
        width = head.feat_channels
    convs.append(conv(width, priors * head.cls_out_channels))
    convs.append(conv(width, priors * head.bbox_coder.encode_size))
    return tuple(convs), not isinstance(head, PerLevelRetinaHead)
