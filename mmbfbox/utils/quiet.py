"""Building networks without a log of each parameter's initialisation."""

from __future__ import annotations

import logging
from collections.abc import Callable
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
