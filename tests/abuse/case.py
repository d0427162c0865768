"""One case: a copy of prepared material, changes to it, and a command; all of it plain values."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
WORK, REFUSE = 'work', 'refuse'

Change = dict[str, Any]
"""``do`` names the function below, ``path`` the file or folder, and the rest are its arguments."""


@dataclass(frozen=True)
class Case:
    """What is tried.

    Args:
        tool: name of a script in ``tools``, or a path to one.
        arguments: of the tool, paths relative to the case's folder.
        changes: done to the copy of the material, in this order.
        must: ``'work'`` or ``'refuse'`` where only that is right; otherwise either is.
        what: in a few words, for the summary: each strategy counts by these.
    """

    tool: str
    arguments: tuple[str, ...]
    changes: tuple[Change, ...] = ()
    must: str = ''
    what: str = ''

    @property
    def script(self) -> Path:
        """The tool's file."""
        return ROOT / 'tools' / f'{self.tool}.py' if '/' not in self.tool else Path(self.tool)

    def to_json(self) -> str:
        """As text, for a file that repeats it."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Case:
        """From such a text."""
        plain = json.loads(text)
        return cls(**plain | {key: tuple(plain[key]) for key in ('arguments', 'changes')})

    def prepare(self, material: Path, folder: Path) -> None:
        """Make the case's folder anew."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(material, folder, symlinks=True)
        for change in self.changes:
            arguments = {key: value for key, value in change.items() if key not in ('do', 'path')}
            CHANGES[change['do']](folder / change['path'], **arguments)


def as_text(data: bytes) -> str:
    """Bytes as text of the same length, which JSON can hold."""
    return data.decode('latin-1')


def write(path: Path, text: str) -> None:
    """Write bytes that were given by :func:`as_text`; ``{configs}`` is the folder of the configs."""
    _make_way(path)
    path.write_bytes(text.replace('{configs}', str(ROOT / 'configs')).encode('latin-1'))


def remove(path: Path) -> None:
    """Remove a file or folder."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def cut(path: Path, keep: float) -> None:
    """Keep the first part of a file, as after a full disk or a broken download; of a folder nothing."""
    if path.is_dir():
        return folder(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])


def flip(path: Path, at: float, bit: int) -> None:
    """Turn one bit of a file over."""
    if path.is_dir():
        return folder(path)
    data = bytearray(path.read_bytes())
    if data:
        data[min(int(len(data) * at), len(data) - 1)] ^= 1 << bit
    path.write_bytes(data)


def copy(path: Path, source: str) -> None:
    """Put a copy of another file or folder of the case in this place."""
    case = next(above for above in path.parents if (above / source).exists())
    with tempfile.TemporaryDirectory() as temporary:
        copied = Path(temporary) / 'copy'
        (shutil.copytree if (case / source).is_dir() else shutil.copyfile)(case / source, copied)
        _make_way(path)
        shutil.move(copied, path)


def _make_way(path: Path) -> None:
    remove(path)
    for above in path.parents:
        if above.is_file():
            above.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)


def folder(path: Path) -> None:
    """Put an empty folder in this place."""
    _make_way(path)
    path.mkdir()


def draw(
    path: Path, size: tuple[int, int], mode: str, form: str, options: Mapping[str, Any], keep: float
) -> None:
    """Draw an image with a gradient.

    Args:
        path: the file, whatever its suffix.
        size: width and height.
        mode: Pillow's, like ``'CMYK'``.
        form: Pillow's format, like ``'TIFF'``.
        options: of the writer.
        keep: the part of the file that is there.
    """
    image = Image.linear_gradient('L').resize(tuple(size))
    image = image.convert('RGB').convert(mode) if mode != 'I;16' else image.convert(mode)
    writer = dict(options)
    if 'orientation' in writer:
        exif = Image.Exif()
        exif[0x0112] = writer.pop('orientation')
        writer['exif'] = exif
    _make_way(path)
    image.save(path, form, **writer)
    if keep < 1:
        cut(path, keep)


CHANGES = {action.__name__: action for action in (write, remove, cut, flip, copy, folder, draw)}
