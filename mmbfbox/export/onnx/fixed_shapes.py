"""Forward passes whose graph asks no tensor for its shape."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.jit import TracerWarning
from torch.nn import functional
from torch.overrides import TorchFunctionMode


class FixedShapes(TorchFunctionMode):
    """While a module is traced in this block, its graph has no operator that depends on a shape.

    The sizes of two levels are in a ratio that does not change with the image, as long as height and
    width are multiples of the largest stride. So a shape is a plain number here, resizing goes by its
    factor, and windows are constant. It works on what modules call, whatever the modules are.

    The image is given without its mean only. Convolutions that see it take the standard deviation and the
    order of the channels into their filters; anything else gets the normalised image.

    Args:
        image: ``(N, 3, H, W)`` BGR less the mean.
        order: the channels that the network expects, like ``[2, 1, 0]``.
        scale: ``(3,)``, one over the standard deviation of each of these.
    """

    def __init__(self, image: Tensor, order: Sequence[int], scale: Tensor) -> None:
        super().__init__()
        self._image = image
        self._order = list(order)
        self._inverse = [self._order.index(channel) for channel in range(3)]
        self._scale = scale
        self._rewrites: dict[Any, Callable[..., Any]] = {
            Tensor.shape.__get__: shape_of,  # type: ignore[attr-defined]
            Tensor.size: _size_of,
            torch.conv2d: self._conv2d,
            functional.interpolate: _interpolate,
            functional.group_norm: _group_norm,
            functional.avg_pool2d: _avg_pool2d,
            functional.max_pool2d: _max_pool2d,
        }

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Call ``func``, or what stands for it."""
        run = self._rewrites.get(func, func)
        if run not in (self._conv2d, shape_of, _size_of):
            args = [self._normalised() if arg is self._image else arg for arg in args]
        return run(*args, **(kwargs or {}))

    def _normalised(self) -> Tensor:
        return self._image[:, self._order] * self._scale.reshape(3, 1, 1)

    def _conv2d(
        self, x: Tensor, weight: Tensor, bias: Tensor | None = None, *args: Any, **kwargs: Any
    ) -> Tensor:
        """A convolution; that of the image takes in what is left of its normalisation."""
        if x is self._image:
            if weight.shape[1] != 3:  # groups: each filter sees one channel
                x = self._normalised()
            else:
                weight = (weight * self._scale.reshape(3, 1, 1))[:, self._inverse]
        return torch.conv2d(x, weight, bias, *args, **kwargs)


def shape_of(x: Tensor) -> torch.Size:
    """The shape in plain numbers; a tracer would note that it was asked for."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', TracerWarning)
        return torch.Size(x.detach().numpy().shape)


def _size_of(x: Tensor, dim: int | None = None) -> torch.Size | int:
    return shape_of(x) if dim is None else shape_of(x)[dim]


def _interpolate(
    x: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = 'nearest',
    align_corners: bool | None = None,
    *_: Any,
    **__: Any,
) -> Tensor:
    """Resizing by a factor."""
    if size is not None:
        own = shape_of(x)[-2:]
        wanted = (size, size) if isinstance(size, int) else tuple(map(int, size))
        scale_factor = [to / at for to, at in zip(wanted, own, strict=True)]
    return functional.interpolate(
        x, scale_factor=scale_factor, mode=mode, align_corners=align_corners
    )


def _avg_pool2d(
    x: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    *args: Any,
    **kwargs: Any,
) -> Tensor:
    def pool(up: bool) -> Tensor:
        return functional.avg_pool2d(x, kernel_size, stride, padding, up, *args, **kwargs)

    return _rounded_down(pool, ceil_mode)


def _max_pool2d(
    x: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    def pool(up: bool) -> Tensor:
        return functional.max_pool2d(x, kernel_size, stride, padding, dilation, up, return_indices)

    return _rounded_down(pool, ceil_mode)


def _rounded_down(pool: Callable[[bool], Tensor], up: bool) -> Tensor:
    """A pooling that rounds its size down, where nothing is left over; readers differ in rounding up."""
    down = pool(False)
    if up and shape_of(rounded_up := pool(True)) != shape_of(down):
        return rounded_up
    return down


def _group_norm(
    x: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Group norm by means over the map, because groups by reshaping need its height and width."""
    channels = shape_of(x)[1]
    # Which channel is in which group; a product with it sums the channels of each group.
    members = torch.eye(num_groups).repeat_interleave(channels // num_groups, 0)

    def mean(values: Tensor) -> Tensor:
        """Of its group, for each channel ``(N, C, 1, 1)``."""
        means = values.mean((2, 3)) @ members * (num_groups / channels)
        return (means @ members.T).reshape(-1, channels, 1, 1)

    centred = x - mean(x)
    # The factors of the channels first: they are few, and each operator on the map is a pass over it.
    factor = 1 / (mean(centred * centred) + eps).sqrt()
    if weight is not None:
        factor = factor * weight.reshape(channels, 1, 1)
    normed = centred * factor
    return normed if bias is None else normed + bias.reshape(channels, 1, 1)
