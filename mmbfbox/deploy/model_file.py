"""Which file a model is: a path, a published folder, or one that the package brings."""

from __future__ import annotations

import hashlib
import os
import re
from importlib.util import find_spec
from pathlib import Path

from mmbfbox.errors import UserError
from mmbfbox.utils.text import read_lines

PACKAGED = Path(__file__).with_name('weights')
BACKENDS = ('auto', 'onnx', 'openvino', 'torch')
PRECISIONS = ('fp32', 'bf16', 'int8')
SUMS = 'sha256sums'
_SUFFIXES = {'.onnx': 'onnx', '.xml': 'openvino', '.pth': 'torch'}
_READ_BY = {'onnx': ('.onnx',), 'openvino': ('.onnx', '.xml'), 'torch': ('.pth',)}
_NAMED_BY_HASH = re.compile(r'-([0-9a-f]{8})\.(?:onnx|pth)$')


def find_model(
    model: str | os.PathLike[str] | None, backend: str, precision: str
) -> tuple[Path, str]:
    """The file of a model, its hash checked where one is known, and the back end that runs it.

    Args:
        model: a ``.onnx``, ``.xml`` or ``.pth``, a folder that holds one, or the name of a packaged one;
            None takes the packaged default.
        backend: one of :data:`BACKENDS`. ``'auto'`` decides by the file; an ONNX file is run by
            onnxruntime in fp32, and where OpenVINO is installed, by it in bf16 and int8.
        precision: one of :data:`PRECISIONS`. Of packaged models and folders, ``'int8'`` takes the file
            that ends in ``.int8.onnx``.

    Raises:
        UserError: there is no such file, it is not what its hash says, or it does not fit the rest.
    """
    for what, value, known in (
        ('backend', backend, BACKENDS),
        ('precision', precision, PRECISIONS),
    ):
        if value not in known:
            raise UserError(f'{what} is {value!r}; take one of {", ".join(known)}')
    path = _packaged(None, precision) if model is None else _given(model, backend, precision)
    if path.suffix not in _SUFFIXES:
        raise UserError(
            f'the model {path} ends in {path.suffix!r}; give a .onnx, .xml or .pth file'
        )
    if backend == 'auto':
        backend = _SUFFIXES[path.suffix]
        faster = precision == 'bf16' or (precision == 'int8' and find_spec('openvino') is not None)
        if backend == 'onnx' and faster:
            backend = 'openvino'
    if path.suffix not in _READ_BY[backend]:
        raise UserError(
            f'the back end {backend} reads {" and ".join(_READ_BY[backend])} files, and the model is '
            f'{path}; give another one, or backend="auto"'
        )
    _check_hash(path)
    return path, backend


def packaged_models() -> list[str]:
    """Names of the models that come with the package."""
    return sorted(
        path.stem for path in PACKAGED.glob('*.onnx') if not path.name.endswith('.int8.onnx')
    )


def _packaged(name: str | None, precision: str) -> Path:
    names = packaged_models()
    if not names:
        raise UserError(
            'this build of mmbfbox ships no weights; give the model, as in FaceDetector("model.onnx")'
        )
    suffix = '.int8.onnx' if precision == 'int8' else '.onnx'
    return PACKAGED / f'{name or names[0]}{suffix}'


def _given(model: str | os.PathLike[str], backend: str, precision: str) -> Path:
    try:
        path = Path(model)
    except TypeError as error:
        raise UserError(f'the model is {model!r}; give its path') from error
    if path.is_dir():
        return _in_folder(path, backend, precision)
    if path.is_file():
        return path
    if os.fspath(model) in packaged_models():
        return _packaged(os.fspath(model), precision)
    raise UserError(
        f'there is no model {path}; give a .onnx, .xml or .pth file, or a folder with one'
    )


def _in_folder(folder: Path, backend: str, precision: str) -> Path:
    """The one file of a folder that fits."""
    suffixes = _READ_BY.get(backend, tuple(_SUFFIXES))
    if precision == 'int8':
        suffixes = ('.onnx',)
    for suffix in suffixes:
        found = sorted(folder.glob(f'*{suffix}'))
        if suffix == '.onnx':
            small = [path for path in found if path.name.endswith('.int8.onnx')]
            found = small if precision == 'int8' else [p for p in found if p not in small]
        if len(found) > 1:
            raise UserError(
                f'the folder {folder} holds several models ({found[0].name}, {found[1].name}); give one file'
            )
        if found:
            return found[0]
    kind = 'int8 ' if precision == 'int8' else ''
    raise UserError(f'the folder {folder} holds no {kind}model ({", ".join(suffixes)}); export one')


def _check_hash(path: Path) -> None:
    """Compare the file with ``sha256sums`` beside it and with the hash in its name."""
    expected = [match[1]] if (match := _NAMED_BY_HASH.search(path.name)) else []
    sums = path.with_name(SUMS)
    if sums.is_file():
        for line in read_lines(sums):
            value, _, name = line.partition(' ')
            if name.strip().lstrip('*') == path.name:
                expected.append(value)
    if not expected:
        return
    actual = hashlib.sha256(path.read_bytes()).hexdigest()
    for value in expected:
        if not actual.startswith(value.lower()):
            raise UserError(
                f'the model {path} is damaged or was changed: its SHA-256 begins with {actual[:8]}, '
                f'expected {value[:8]}; fetch it again'
            )
