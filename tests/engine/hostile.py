"""Checkpoints that run code when they are unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch


class Hostile:
    """Creates a file when it is unpickled.

    Args:
        target: the file.
    """

    def __init__(self, target: Path) -> None:
        self.target = str(target)

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (self.target, 'w'))


def hostile_file(folder: Path) -> tuple[Path, Path]:
    """A checkpoint in ``folder``, and before it the file that appears when somebody unpickles it."""
    victim, path = folder / 'victim', folder / 'hostile.pth'
    torch.save(dict(state_dict={}, meta=dict(payload=Hostile(victim))), path)
    return victim, path
