"""What ``mmcv._ext`` offers besides the operators: its origin, and a sentence for whatever is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numba

import mmbfbox_ops


def get_compiler_version() -> str:
    """What stands for the compiler in mmcv's report of the environment."""
    return f'none: mmbfbox-ops {mmbfbox_ops.__version__}, numba {numba.__version__}'


def get_compiling_cuda_version() -> str:
    """As a compiled mmcv without CUDA says it."""
    return 'not available'


def missing_operator(name: str) -> Callable[..., NoReturn]:
    """A function in the place of the operator ``name``: calling it, not importing it, is the error."""

    def operator(*args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(
            f"mmcv's operator {name} is compiled code, and mmbfbox-ops, which is installed in its place, has "
            'NMS and focal loss only; run `make env OPS=full` in a clone of mmbfbox, or install mmcv instead'
        )

    operator.__name__ = operator.__qualname__ = name
    return operator
