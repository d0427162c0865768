"""DenseNet (Huang et al., CVPR 2017) as a backbone of four maps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch
from mmcv.cnn import build_norm_layer
from mmdet.registry import MODELS
from torch import Tensor, nn
from torch.nn.functional import relu

from mmbfbox.errors import UserError
from mmbfbox.models.backbones.bfbox import BATCH_NORM, INIT
from mmbfbox.models.backbones.freezing import FreezableBackbone

LAYERS = {121: (6, 12, 24, 16), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32)}
BOTTLENECK = 4
"""A layer's 1x1 convolution gives this many times the growth."""


def _norm(norm_cfg: dict[str, Any], channels: int) -> nn.Module:
    return build_norm_layer(norm_cfg, channels)[1]


class DenseLayer(nn.Module):
    """norm - ReLU - 1x1 - norm - ReLU - 3x3; ``(N, in, H, W)`` to ``(N, growth, H, W)``."""

    def __init__(self, in_channels: int, growth: int, norm_cfg: dict[str, Any]) -> None:
        super().__init__()
        self.norm1 = _norm(norm_cfg, in_channels)
        self.conv1 = nn.Conv2d(in_channels, BOTTLENECK * growth, 1, bias=False)
        self.norm2 = _norm(norm_cfg, BOTTLENECK * growth)
        self.conv2 = nn.Conv2d(BOTTLENECK * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer."""
        return self.conv2(relu(self.norm2(self.conv1(relu(self.norm1(x))))))


@MODELS.register_module()
class DenseNet(FreezableBackbone):
    """DenseNet-121, -169 or -201 without its classifier.

    Each map is what the paper's next part sees: the concatenation at the end of a dense block after
    its norm and ReLU. Parameters have torchvision's names, so its weights can be loaded through
    ``init_cfg=dict(type='Pretrained', checkpoint=FILE)``.

    Args:
        depth: 121, 169 or 201. Defaults to 121.
        growth: channels that a layer adds. Defaults to 32.
        stem_channels: channels of the stem. Defaults to 64.
        layers: layers of each dense block. Defaults to those of ``depth``.
        norm_cfg: config of the norm. Defaults to batch norm.
        init_cfg: mmengine's initialisation config. Defaults to Kaiming: from scratch.
        frozen_stages: stages that are not trained, see :class:`FreezableBackbone`. Defaults to -1, none.
        norm_eval: whether norms keep their running statistics in training. Defaults to False.

    Raises:
        UserError: there is no DenseNet of this depth.

    Shapes: images ``(N, 3, H, W)`` to four maps of strides 4, 8, 16, 32; DenseNet-121 gives 256, 512,
    1024, 1024 channels.

    Example:
        >>> import torch
        >>> backbone = DenseNet(layers=(2, 1), growth=4, stem_channels=8)
        >>> [tuple(map_.shape) for map_ in backbone(torch.zeros(1, 3, 64, 64))]
        [(1, 16, 16, 16), (1, 12, 8, 8)]
    """

    def __init__(
        self,
        depth: int = 121,
        growth: int = 32,
        stem_channels: int = 64,
        layers: Sequence[int] | None = None,
        norm_cfg: dict[str, Any] = BATCH_NORM,
        init_cfg: Any = None,
        frozen_stages: int = -1,
        norm_eval: bool = False,
    ) -> None:
        if depth not in LAYERS:
            raise UserError(f'there is no DenseNet-{depth}; choose one of {sorted(LAYERS)}')
        super().__init__(init_cfg=INIT if init_cfg is None else init_cfg)
        self.features = nn.Module()
        self.features.conv0 = nn.Conv2d(3, stem_channels, 7, stride=2, padding=3, bias=False)
        self.features.norm0 = _norm(norm_cfg, stem_channels)
        width = stem_channels
        self.blocks = len(layers or LAYERS[depth])
        for number, count in enumerate(layers or LAYERS[depth], 1):
            block = nn.Module()
            for layer in range(1, count + 1):
                block.add_module(f'denselayer{layer}', DenseLayer(width, growth, norm_cfg))
                width += growth
            self.features.add_module(f'denseblock{number}', block)
            if number < self.blocks:
                transition = nn.Module()
                transition.norm = _norm(norm_cfg, width)
                transition.conv = nn.Conv2d(width, width // 2, 1, bias=False)
                self.features.add_module(f'transition{number}', transition)
                width //= 2
        self.features.add_module(f'norm{self.blocks + 1}', _norm(norm_cfg, width))
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.register_load_state_dict_pre_hook(_rename_old_weights)
        self.freeze(frozen_stages, norm_eval)

    def parts(self) -> list[list[nn.Module]]:
        """The stem, and each dense block with what stands before the next one."""
        named = dict(self.features.named_children())
        parts = [[named['conv0'], named['norm0']]]
        for number in range(1, self.blocks):
            parts.append([named[f'denseblock{number}'], named[f'transition{number}']])
        return [*parts, [named[f'denseblock{self.blocks}'], named[f'norm{self.blocks + 1}']]]

    @staticmethod
    def _dense(block: nn.Module, x: Tensor) -> Tensor:
        for layer in block.children():
            x = torch.cat([x, layer(x)], dim=1)
        return x

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Feature maps of the dense blocks."""
        parts: Any = self.features
        x = self.pool(relu(parts.norm0(parts.conv0(x))))
        outputs = []
        for number in range(1, self.blocks):
            transition = getattr(parts, f'transition{number}')
            x = relu(transition.norm(self._dense(getattr(parts, f'denseblock{number}'), x)))
            outputs.append(x)
            # ceil_mode, so that odd sizes give the same shape as a strided convolution.
            x = nn.functional.avg_pool2d(transition.conv(x), 2, ceil_mode=True)
        x = self._dense(getattr(parts, f'denseblock{self.blocks}'), x)
        outputs.append(relu(getattr(parts, f'norm{self.blocks + 1}')(x)))
        return tuple(outputs)


def _rename_old_weights(module: nn.Module, state: dict[str, Tensor], prefix: str, *_: Any) -> None:
    """torchvision's files still say ``norm.1`` where its module has become ``norm1``."""
    for name in [name for name in state if name.startswith(f'{prefix}features.denseblock')]:
        state[re.sub(r'\.(norm|conv)\.([12])\.', r'.\1\2.', name)] = state.pop(name)
