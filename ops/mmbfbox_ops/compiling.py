"""Functions that numba compiles on their first call, and keeps on disk where it can."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

from numba import njit

AnyFunction = TypeVar('AnyFunction', bound=Callable[..., Any])


def compiled(function: AnyFunction) -> AnyFunction:
    """The same function as machine code, with C's rules for division: by zero gives infinity or NaN.

    The code is kept beside the module or in the user's cache folder, so it is compiled once. Where
    neither can be written to, each process compiles it anew, which takes a second or two.
    """
    compile_it = partial(njit, nogil=True, error_model='numpy')
    try:
        result: Any = compile_it(cache=True)(function)
    except RuntimeError:  # numba has found no folder for it
        result = compile_it()(function)
    return cast(AnyFunction, result)
