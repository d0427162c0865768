"""Loading checkpoints without running what is in them.

A pickle can run any code when it is read, so every file goes through ``weights_only=True``. Beyond
tensors and plain containers, training checkpoints hold mmengine's log histories, which are NumPy arrays;
exactly these types are allowed, and any other one is refused.
"""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

from mmbfbox.engine.compat import array_builders
from mmbfbox.errors import UserError


class DamagedCheckpointError(UserError):
    """A file that is cut off, overwritten or no checkpoint."""


def _history_method(owner: object, name: str) -> Any:
    """What ``getattr`` may do while a checkpoint is read: name a statistic of a log history."""
    if owner is not HistoryBuffer or name not in ('min', 'max', 'mean', 'current'):
        raise pickle.UnpicklingError(f'GLOBAL getattr of {name} is not allowed')
    return getattr(owner, name)


SAFETENSORS_META = 'mmbfbox.meta'
"""Under this name a ``.safetensors`` file has the ``meta`` of a ``.pth`` file, as JSON."""

_ALLOWED = [
    HistoryBuffer,
    (_history_method, 'builtins.getattr'),
    np.ndarray,
    np.dtype,
    np.dtypes.Float64DType,
    np.dtypes.Int64DType,
    *array_builders(),
]


def load_checkpoint_file(path: str | Path, map_location: Any = 'cpu') -> dict[str, Any]:
    """Read a checkpoint.

    Args:
        path: the file.
        map_location: as for :func:`torch.load`.

    Returns:
        What the file holds: with ``state_dict`` and ``meta`` for checkpoints of mmengine.

    Raises:
        DamagedCheckpointError: the file is damaged or no checkpoint.
        UserError: it is missing, or holds a type that is not allowed.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise UserError(f'the checkpoint {path} does not exist; check the path')
    if path.suffix == '.safetensors':
        return _read_safetensors(path, map_location)
    try:
        with torch.serialization.safe_globals(_ALLOWED):
            data = torch.load(path, map_location=map_location, weights_only=True)
    except Exception as error:  # damaged bytes can end in any error
        refused = _refused_type(error)
        if refused:
            raise UserError(
                f'the checkpoint {path} is refused, because it holds more than weights and logs '
                f'({refused}); use a file of weights from a source that you trust'
            ) from error
        raise DamagedCheckpointError(
            f'the checkpoint {path} cannot be read; it is damaged or no checkpoint: use another one'
        ) from error
    if not isinstance(data, dict):
        raise DamagedCheckpointError(
            f'the file {path} holds a {type(data).__name__}, expected a checkpoint'
        )
    return data


def _read_safetensors(path: Path, device: Any) -> dict[str, Any]:
    """Weights, and the ``meta`` that ``tools/publish_model.py --folder`` notes beside them."""
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise UserError(
            f'{path} cannot be read without safetensors; pip install safetensors'
        ) from error
    try:
        with safe_open(path, 'pt', device=str(device)) as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            notes = file.metadata() or {}
        meta = json.loads(notes.get(SAFETENSORS_META, '{}'))
    except (SafetensorError, ValueError) as error:
        raise DamagedCheckpointError(
            f'the checkpoint {path} cannot be read; it is damaged or no checkpoint: use another one'
        ) from error
    return dict(state_dict=state, meta=meta)


def _refused_type(error: Exception) -> str:
    """What torch refuses in a readable pickle; '' for any other error."""
    text = str(error)
    found = re.search(r'GLOBAL ([\w.]+)', text)
    if not isinstance(error, pickle.UnpicklingError):
        return ''
    if found:
        return found[1]
    forbidden = re.search(r'Can only (?:create|build)|unrecognized function', text)
    return 'an object of a type that is not allowed' if forbidden else ''
