"""A light head: one tower for all levels, and for both branches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmcv.cnn import Scale
from mmdet.registry import MODELS
from torch import Tensor, nn

from mmbfbox.errors import UserError
from mmbfbox.models.dense_heads.face_head import FaceHead
from mmbfbox.models.layers.blocks import make_conv
from mmbfbox.space.blocks import Conv

INIT = dict(
    type='Kaiming',
    layer='Conv2d',
    mode='fan_in',
    # What a new head says: no face (1 %), and each anchor as it is.
    override=[
        dict(type='Normal', name='retina_cls', std=0.01, bias_prob=0.01),
        dict(type='Normal', name='retina_reg', std=0.01),
    ],
)


@MODELS.register_module()
class SharedFaceHead(FaceHead):
    """Convolutions that all levels share, with a scale of its own for the boxes of each level.

    Args:
        num_classes: number of classes.
        in_channels: channels of the pyramid.
        stacked_convs: 3x3 convolutions of the tower. Defaults to 2.
        feat_channels: their channels. Defaults to 64.
        norm_cfg: norm after each convolution of the tower: GroupNorm, or None. Batch norm sees all levels
            with the same statistics; a search then needs the reference scorer. Defaults to None.
        depthwise: separable convolutions, a depthwise 3x3 and a 1x1. Defaults to False.
        share_branches: one tower for scores and boxes instead of one each. Defaults to True.
        shared: the levels share their convolutions; False gives each level its own. Defaults to True.
        kwargs: those of :class:`FaceHead`.

    Raises:
        UserError: a key is out of range, the norm's groups do not divide the channels, or the inputs are
            not as many as the levels of the anchor generator.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        stacked_convs: int = 2,
        feat_channels: int = 64,
        norm_cfg: dict[str, Any] | None = None,
        depthwise: bool = False,
        share_branches: bool = True,
        shared: bool = True,
        init_cfg: Any = None,
        **kwargs: Any,
    ) -> None:
        if stacked_convs < 0 or feat_channels < 1:
            raise UserError(
                f'the head has stacked_convs={stacked_convs} and feat_channels={feat_channels}; give 0 '
                f'convolutions or more, and 1 channel or more'
            )
        self.depthwise = depthwise
        self.share_branches = share_branches
        self.shared = shared
        super().__init__(
            num_classes,
            in_channels,
            stacked_convs=stacked_convs,
            feat_channels=feat_channels,
            norm_cfg=norm_cfg,
            init_cfg=INIT if init_cfg is None else init_cfg,
            **kwargs,
        )

    def _init_layers(self) -> None:
        levels = self.prior_generator.num_levels
        copies = range(1 if self.shared else levels)
        tower = self.tower()

        def towers() -> nn.ModuleList:
            return nn.ModuleList(
                nn.Sequential(*(make_conv(conv, self.norm_cfg) for conv in tower)) for _ in copies
            )

        def outputs(conv: Conv) -> nn.ModuleList:
            return nn.ModuleList(make_conv(conv, None, activate=False).conv for _ in copies)

        self.towers = towers()
        # Of the boxes, if they have their own.
        self.reg_towers = None if self.share_branches else towers()
        scores, deltas = self.outputs()
        self.retina_cls, self.retina_reg = outputs(scores), outputs(deltas)
        self.scales = nn.ModuleList(Scale(1.0) for _ in range(levels))

    def tower(self) -> tuple[Conv, ...]:
        """The convolutions of one tower, each with ReLU."""
        norm = self.norm_cfg is not None
        convs = []
        width = self.in_channels
        for _ in range(self.stacked_convs):
            if self.depthwise:
                convs.append(Conv(width, width, (3, 3), groups=width, norm=norm, bias=not norm))
            kernel = (1, 1) if self.depthwise else (3, 3)
            convs.append(Conv(width, self.feat_channels, kernel, norm=norm, bias=not norm))
            width = self.feat_channels
        return tuple(convs)

    def outputs(self) -> tuple[Conv, Conv]:
        """The convolutions that give scores and deltas."""
        width = self.feat_channels if self.stacked_convs else self.in_channels
        channels = self.cls_out_channels, self.bbox_coder.encode_size
        scores, deltas = (
            Conv(width, self.num_base_priors * number, (3, 3), norm=False, bias=True)
            for number in channels
        )
        return scores, deltas

    def forward(self, x: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Scores and box deltas of each level.

        Args:
            x: maps ``(N, in_channels, H_i, W_i)``, one for each level.

        Returns:
            Scores ``(N, priors * classes, H_i, W_i)`` and deltas ``(N, priors * 4, H_i, W_i)``.
        """
        self.check_levels(len(x))
        scores, deltas = [], []
        for level, (map_, scale) in enumerate(zip(x, self.scales, strict=True)):
            own = 0 if self.shared else level
            features = self.towers[own](map_)
            scores.append(self.retina_cls[own](features))
            if self.reg_towers is not None:
                features = self.reg_towers[own](map_)
            deltas.append(scale(self.retina_reg[own](features)))
        return scores, deltas
