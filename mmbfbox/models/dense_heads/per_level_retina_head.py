"""The detection head of the first author's code: one convolution per level and branch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmdet.registry import MODELS
from torch import Tensor, nn

from mmbfbox.models.dense_heads.face_head import FaceHead


@MODELS.register_module()
class PerLevelRetinaHead(FaceHead):
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
        self.check_levels(len(x))
        scores = [conv(level) for conv, level in zip(self.retina_cls, x, strict=True)]
        deltas = [conv(level) for conv, level in zip(self.retina_reg, x, strict=True)]
        return scores, deltas
