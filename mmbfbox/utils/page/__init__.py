"""Pages of results: one HTML file that needs no other, in one style."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_BASE = Path(__file__).parent


def render_page(folder: Path, scripts: Sequence[str], data: Mapping[str, Any]) -> str:
    """A page as one file.

    ``page.html`` has the places ``/*CSS*/``, ``/*DATA*/`` and ``/*JS*/``. What all pages have in common,
    ``base.css`` and ``base.js`` of this folder, comes before the page's own.

    Args:
        folder: of ``page.html``, ``page.css`` and the scripts.
        scripts: names of the scripts, in their order.
        data: plain values, which the scripts find as ``data``.

    Raises:
        ValueError: a number is infinite or not a number, which JSON does not have.
    """
    parts = {
        'CSS': _text(_BASE / 'base.css') + _text(folder / 'page.css'),
        # "</script>" in a name would end the element.
        'DATA': json.dumps(data, separators=(',', ':'), allow_nan=False).replace('</', '<\\/'),
        'JS': '"use strict";\n'
        + _text(_BASE / 'base.js')
        + ''.join(_text(folder / name) for name in scripts),
    }
    return re.sub(
        r'/\*(CSS|DATA|JS)\*/', lambda match: parts[match[1]], _text(folder / 'page.html')
    )


def _text(path: Path) -> str:
    return path.read_text(encoding='utf-8')
