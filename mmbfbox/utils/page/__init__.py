"""Pages of results: one HTML file that needs no other, in one style."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_BASE = Path(__file__).parent


def render_page(title: str, folder: Path, scripts: Sequence[str], data: Mapping[str, Any]) -> str:
    """A page as one file.

    ``base.html``, ``base.css`` and ``base.js`` of this folder are what all pages have in common: the frame
    around a page's header and main part, and what comes before its own style and scripts.

    Args:
        title: of the window.
        folder: of ``page.html``, ``page.css`` and the scripts.
        scripts: names of the scripts, in their order.
        data: plain values, which the scripts find as ``data``. Numbers that are infinite or not a number,
            which JSON does not have, become null.
    """
    parts = {
        'TITLE': html.escape(title),
        'BODY': _text(folder / 'page.html'),
        'CSS': _text(_BASE / 'base.css') + _text(folder / 'page.css'),
        # "</script>" in a name would end the element.
        'DATA': json.dumps(_finite(data), separators=(',', ':')).replace('</', '<\\/'),
        'JS': '"use strict";\n'
        + _text(_BASE / 'base.js')
        + ''.join(_text(folder / name) for name in scripts),
    }
    return re.sub(
        r'/\*(TITLE|CSS|BODY|DATA|JS)\*/', lambda match: parts[match[1]], _text(_BASE / 'base.html')
    )


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _text(path: Path) -> str:
    return path.read_text(encoding='utf-8')
