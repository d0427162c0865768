"""In the place of mmcv's compiled extension, for mmcv-lite; a compiled one beside it is preferred."""

from collections.abc import Callable
from typing import NoReturn

from mmbfbox_ops import (
    nms,
    nms_match,
    sigmoid_focal_loss_backward,
    sigmoid_focal_loss_forward,
    softnms,
)
from mmbfbox_ops.extension import (
    get_compiler_version,
    get_compiling_cuda_version,
    missing_operator,
)

__all__ = [
    'get_compiler_version',
    'get_compiling_cuda_version',
    'nms',
    'nms_match',
    'sigmoid_focal_loss_backward',
    'sigmoid_focal_loss_forward',
    'softnms',
]


def __getattr__(name: str) -> Callable[..., NoReturn]:
    if name.startswith('_'):
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return missing_operator(name)
