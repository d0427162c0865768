"""``attention.json``: mean attention of each pyramid level over the held-out images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mmbfbox.artifacts.base import Artifact

ATTENTION_FILE = 'attention.json'


@dataclass(frozen=True)
class Attention(Artifact):
    """Attention as the report of a search shows it.

    Args:
        levels: level (like ``'p3'``) to ``mean`` and ``spread``, the standard deviation over archs.
            Empty if the pyramid has no attention.
        images: over how many images.
        candidates: over how many archs.
    """

    KIND: ClassVar[str] = 'the attention of a search'
    ADVICE: ClassVar[str] = 'measure it anew by tools/search_report.py --config'

    levels: dict[str, dict[str, float]]
    images: int
    candidates: int
