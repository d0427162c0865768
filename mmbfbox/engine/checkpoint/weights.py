"""The weights of a checkpoint: which there are, and loading them exactly or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmbfbox.engine.checkpoint.loading import load_checkpoint_file
from mmbfbox.errors import UserError

KINDS = ('raw', 'ema')
_PREFIXES = ('module.', '_orig_mod.')
"""What wrappers put before the names: data-parallel and averaging ones, and torch.compile."""
_COUNTERS = ('steps', 'n_averaged', 'updates')
"""Of averaging wrappers, beside the weights."""
_EXAMPLES = 3


@dataclass(frozen=True)
class Weights:
    """The weights of a detector.

    Attributes:
        state: names and tensors.
        kind: ``'raw'`` as they were trained, ``'ema'`` for their moving average, or None where the file
            does not say.
        meta: what the file notes beside them.
        source: the file's name, for messages.
    """

    state: dict[str, Tensor]
    kind: str | None
    meta: dict[str, Any]
    source: str

    def __str__(self) -> str:
        return f'{self.kind + " " if self.kind else ""}weights of {self.source}'


def read_weights(path: str | Path, kind: str | None = None) -> Weights:
    """Read the weights of a checkpoint, a bare state dict, or either of a wrapped model.

    A training that averages its weights stores both: mmengine keeps the average as ``state_dict`` and
    the raw ones as ``ema_state_dict``.

    Args:
        path: the file.
        kind: ``'raw'`` or ``'ema'``; None takes the average where there is one.

    Raises:
        UserError: the file cannot be read, holds no weights, or not those that are asked for.
    """
    return weights_of(load_checkpoint_file(path), str(path), kind)


def weights_of(checkpoint: Mapping[str, Any], source: str, kind: str | None = None) -> Weights:
    """The weights of a checkpoint that was read; see :func:`read_weights`."""
    if kind is not None and kind not in KINDS:
        raise UserError(f'the weights asked for are {kind!r}; take one of {", ".join(KINDS)}')
    state = checkpoint.get('state_dict', checkpoint)
    average = checkpoint.get('ema_state_dict') if state is not checkpoint else None
    meta = checkpoint.get('meta') if state is not checkpoint else None
    meta = dict(meta) if isinstance(meta, Mapping) else {}
    if average is not None:
        found = kind or 'ema'
        chosen = state if found == 'ema' else average
        return Weights(_plain_names(chosen, source), found, meta, source)
    known = meta.get('weights') if meta.get('weights') in KINDS else None
    if known is None and 'message_hub' in checkpoint:
        known = 'raw'  # a training that keeps an average stores it
    if kind is not None and kind != known:
        told = f'and they are {known}' if known else 'and does not say which'
        raise UserError(
            f'{kind} weights are asked for, but {source} holds one set of weights {told}; leave the '
            f'choice out'
        )
    return Weights(_plain_names(state, source), known, meta, source)


def _plain_names(state: Any, source: str) -> dict[str, Tensor]:
    """A state dict without what wrappers add to it."""
    if not isinstance(state, Mapping):
        raise UserError(f'{source} holds no weights; give a checkpoint that tools/train.py wrote')
    names = [name for name in state if name not in _COUNTERS]
    if names and all(str(name).startswith(_PREFIXES) for name in names):
        plain = {name.split('.', 1)[1]: state[name] for name in names}
        return _plain_names(plain, source)
    if not all(isinstance(value, Tensor) for value in state.values()):
        raise UserError(
            f'{source} has no "state_dict" of tensors; give a checkpoint that tools/train.py or '
            f'tools/export_subnet.py wrote'
        )
    return state  # type: ignore[return-value]


def load_weights(model: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Load a state dict that must fit exactly.

    Args:
        model: the model.
        state: names and tensors.
        source: what the weights are called in the error message.

    Raises:
        UserError: a name is missing or unknown, or a shape differs.
    """
    check_weights(model, state, source)
    model.load_state_dict(state)


def check_weights(model: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Check that a state dict fits a model, which may be without storage (``meta``), exactly.

    Args and errors are those of :func:`load_weights`.
    """
    own = model.state_dict()
    shapes = [name for name in own if name in state and own[name].shape != state[name].shape]
    missing, unknown = [n for n in own if n not in state], [n for n in state if n not in own]
    one = len(missing) == 1
    problems = [
        f'{len(names)} {what} ({_examples(names)})'
        for names, what in (
            (missing, f'parameter{"" if one else "s"} {"is" if one else "are"} missing'),
            (unknown, 'unknown'),
            (shapes, 'of another shape'),
        )
        if names
    ]
    if problems:
        raise UserError(
            f'{source} does not belong to this config: {", ".join(problems)}; use the config that it was '
            f'trained with'
        )


def _examples(names: list[str]) -> str:
    more = ', ...' if len(names) > _EXAMPLES else ''
    return ', '.join(names[:_EXAMPLES]) + more


def digest(state: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and values, in order of the names."""
    total = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        total.update(f'{name} {tensor.dtype} {tuple(tensor.shape)}'.encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()
