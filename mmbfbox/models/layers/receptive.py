"""Receptive-field modules that follow each merge of the feature pyramid."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from mmbfbox.models.layers.blocks import make_conv
from mmbfbox.space.costs import receptive_convs


class _Receptive(nn.Module):
    """Holds the convolutions of its kind as children; ``(N, C, H, W)`` to the same shape."""

    kind: str
    linear: tuple[str, ...] = ()

    def __init__(self, channels: int, norm_cfg: dict[str, Any] | None) -> None:
        super().__init__()
        for name, conv in receptive_convs(self.kind, channels, norm_cfg is not None).items():
            self.add_module(name, make_conv(conv, norm_cfg, name not in self.linear))


class RFE(_Receptive):
    """Receptive field enhancement (SRN, AAAI 2019): elongated kernels for elongated faces.

    Four branches 1x1 - (1x5, 5x1, 1x3, 3x1) - 1x1 of C/4 channels with ReLU, concatenated, fused by a
    1x1 with ReLU, and added to the input.
    """

    kind = 'rfe'
    fuse: nn.Module

    def forward(self, x: Tensor) -> Tensor:
        """Apply the module."""
        branches = []
        for index in range(4):
            branch = x
            for part in ('in', 'mid', 'out'):
                branch = getattr(self, f'branch{index}_{part}')(branch)
            branches.append(branch)
        return x + self.fuse(torch.cat(branches, dim=1))


class Smooth(_Receptive):
    """One 3x3 convolution, as in FPN and in the first author's later code."""

    kind = 'smooth'
    linear = ('smooth',)
    smooth: nn.Module

    def forward(self, x: Tensor) -> Tensor:
        """Apply the module."""
        return self.smooth(x)


class SSH(_Receptive):
    """Context module of SSH (ICCV 2017): receptive fields of 3, 5 and 7 side by side, then ReLU."""

    kind = 'ssh'
    linear = ('context3', 'context5', 'context7_2')
    shared: nn.Module
    context3: nn.Module
    context5: nn.Module
    context7_1: nn.Module
    context7_2: nn.Module

    def forward(self, x: Tensor) -> Tensor:
        """Apply the module."""
        shared = self.shared(x)
        context7 = self.context7_2(self.context7_1(shared))
        return relu(torch.cat([self.context3(x), self.context5(shared), context7], dim=1))


def build_receptive(
    kind: str | None, channels: int, norm_cfg: dict[str, Any] | None = None
) -> nn.Module:
    """The module of a kind; None passes its input on.

    Args:
        kind: ``'rfe'``, ``'smooth'``, ``'ssh'`` or None.
        channels: of its input and its output.
        norm_cfg: norm after each convolution; None has biases instead.

    Raises:
        UserError: unknown kind, or a width that it or the norm's groups cannot divide.

    Example:
        >>> module = build_receptive('rfe', 8)
        >>> tuple(module(torch.zeros(1, 8, 5, 7)).shape)
        (1, 8, 5, 7)
    """
    receptive_convs(kind, channels)
    modules = {module.kind: module for module in (RFE, Smooth, SSH)}
    return nn.Identity() if kind is None else modules[kind](channels, norm_cfg)
