"""Batch norm, residual and ReLU in one pass over the memory of an NVIDIA GPU, where torch makes three."""

from __future__ import annotations

import warnings
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import batch_norm

try:
    import triton
    import triton.language as tl
except ImportError:  # builds of torch for the CPU come without it
    triton = None

ELEMENTS = 4096
"""Elements that a program deals with."""


def normalise_(
    x: Tensor,
    mean: Tensor,
    var: Tensor,
    weight: Tensor,
    bias: Tensor,
    eps: float,
    residual: Tensor | None = None,
    relu: bool = False,
) -> Tensor:
    """``relu((x - mean) / sqrt(var + eps) * weight + bias + residual)``, computed in float32, in place.

    Args:
        x: ``(N, C, H, W)`` of any floating type.
        mean: ``(C,)`` float32, like ``var``, ``weight`` and ``bias``.
        eps: added to the variance.
        residual: like ``x``; None adds nothing.
        relu: whether to cut off what is below 0.

    Returns:
        ``x``; a new tensor where the kernel cannot do it (no GPU, no Triton, another memory layout).
    """
    last = torch.channels_last
    if (
        not x.is_contiguous(memory_format=last)
        or not (residual is None or residual.is_contiguous(memory_format=last))
        or not _runs_on(x.device)
    ):
        y = batch_norm(x, mean, var, weight, bias, False, 0.0, eps)
        y = y if residual is None else y.add_(residual)
        return y.relu_() if relu else y
    return _launch(x, (mean, var, weight, bias), eps, residual, relu)


@cache
def _runs_on(device: torch.device) -> bool:
    """Whether the kernel can be compiled for a device and runs on it; else it says why it does not."""
    if not (device.type == 'cuda' or _INTERPRETED):
        return False
    reason = 'it is not installed'
    if triton is not None:
        x = torch.zeros(1, 16, 1, 1, device=device)
        try:
            # Waits for the device, where an error may show only then.
            _launch(x, (torch.ones(16, device=device),) * 4, 1e-5, None, True).cpu()
            return True
        except (
            Exception
        ) as error:  # an old GPU, no C compiler: whatever it is, torch can do without
            reason = f'{type(error).__name__}: {(str(error) or "no message").splitlines()[0]}'
    warnings.warn(
        f'Triton does not run on {device} ({reason}); torch takes its place, which makes the search slower',
        stacklevel=3,
    )
    return False


def _launch(
    x: Tensor, parameters: tuple[Tensor, ...], eps: float, residual: Tensor | None, relu: bool
) -> Tensor:
    """Run the kernel; ``parameters`` are mean, variance, weight and bias."""
    channels = x.shape[1]
    rows = x.numel() // channels
    block = min(128, triton.next_power_of_2(channels))
    grid = triton.cdiv(rows, ELEMENTS // block), triton.cdiv(channels, block)
    _normalise[grid](
        x, x if residual is None else residual, *parameters, rows, channels, eps,
        HAS_RESIDUAL=residual is not None, RELU=relu, ROWS=ELEMENTS // block, CHANNELS=block,
    )  # fmt: skip
    return x


_INTERPRETED = False
if triton is not None:
    # TRITON_INTERPRET=1 runs kernels on the CPU, slowly: for tests without a GPU.
    _INTERPRETED = bool(triton.knobs.runtime.interpret) if hasattr(triton, 'knobs') else False

    # Triton reads annotations as well: it knows no type but its own.
    @triton.jit
    def _normalise(  # type: ignore[no-untyped-def]
        x,
        residual,
        mean,
        var,
        weight,
        bias,
        rows,
        channels,
        eps,
        HAS_RESIDUAL: tl.constexpr,  # noqa: N803
        RELU: tl.constexpr,  # noqa: N803
        ROWS: tl.constexpr,  # noqa: N803
        CHANNELS: tl.constexpr,  # noqa: N803
    ):
        row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
        channel = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
        there = channel < channels
        scale = tl.load(weight + channel, there) / tl.sqrt(tl.load(var + channel, there) + eps)
        shift = tl.load(bias + channel, there) - tl.load(mean + channel, there) * scale
        place = row[:, None].to(tl.int64) * channels + channel[None, :]
        mask = (row < rows)[:, None] & there[None, :]
        y = tl.load(x + place, mask).to(tl.float32) * scale[None, :] + shift[None, :]
        if HAS_RESIDUAL:
            y += tl.load(residual + place, mask).to(tl.float32)
        if RELU:
            # NaN stays NaN.
            y = tl.where(y < 0, 0.0, y)
        tl.store(x + place, y.to(x.dtype.element_ty), mask)
