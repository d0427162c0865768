"""Without what other libraries log: each parameter's initialisation, advice that does not apply."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar('T')


def build_quietly(build: Callable[[], T]) -> T:
    """What ``build`` returns, without what mmengine logs meanwhile."""
    logger = logging.getLogger('mmengine')
    disabled, logger.disabled = logger.disabled, True
    try:
        return build()
    finally:
        logger.disabled = disabled


@contextmanager
def errors_only() -> Iterator[None]:
    """Lets nothing be logged but errors."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
