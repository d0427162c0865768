"""A short mark by which contents are told apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any


def fingerprint(value: bytes | Sequence[str] | Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits of a file's content, a list of names, or plain settings."""
    if isinstance(value, Mapping):
        data = json.dumps(value, sort_keys=True, default=str).encode()
    else:
        data = value if isinstance(value, bytes) else '\n'.join(value).encode()
    return hashlib.sha256(data).hexdigest()[:12]
