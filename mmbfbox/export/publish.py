"""A checkpoint for others: weights, config, arch, metric and hash, and nothing else."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine import Config
from torch import Tensor

from mmbfbox.engine.checkpoint.loading import load_checkpoint_file
from mmbfbox.errors import UserError
from mmbfbox.space import Arch
from mmbfbox.utils.config import config_from_text
from mmbfbox.utils.data_root import replace_data_root
from mmbfbox.utils.files import atomic_write

PRIVATE = ('work_dir', 'load_from', 'resume', 'launcher', 'experiment_name', 'randomness')
DATA_ROOT = 'data/WIDER/'


@dataclass(frozen=True)
class Published:
    """Where a published model is.

    Args:
        weights: ``<name>-<first 8 digits of the file's SHA-256>.pth``.
        config: the config beside it.
    """

    weights: Path
    config: Path


def publish(
    checkpoint: str | Path,
    out: str | Path,
    config: Config | None = None,
    metric: Mapping[str, float] | None = None,
    name: str | None = None,
) -> Published:
    """Write what others need of a checkpoint.

    The file holds ``state_dict`` and, in ``meta``, the config's text (``cfg``), the arch as text
    (``arch``, None for networks without one), the metric, ``sha256`` of the weights, and the class
    names, without which mmdet would take the model for one of COCO. Optimizer, log histories, host,
    times and paths stay behind: the config's data root becomes ``data/WIDER/``.

    Args:
        checkpoint: a checkpoint of ``tools/train.py`` or weights of ``tools/export_subnet.py``.
        out: folder to write to.
        config: the model's config. Defaults to the text in the checkpoint.
        metric: results to note, name to number.
        name: start of the file's name. Defaults to that of the config, else of the checkpoint.

    Raises:
        UserError: the checkpoint is missing, damaged or holds a type that is not allowed; it has no
            weights; or there is no config.
    """
    data = load_checkpoint_file(checkpoint)
    weights = data.get('state_dict')
    meta = data.get('meta', {})
    if not isinstance(weights, dict) or not all(isinstance(t, Tensor) for t in weights.values()):
        raise UserError(
            f'the checkpoint {checkpoint} has no "state_dict" of tensors; give one that tools/train.py '
            f'or tools/export_subnet.py wrote'
        )
    if config is None:
        if not isinstance(meta.get('cfg'), str):
            raise UserError(f'the checkpoint {checkpoint} holds no config; give it as --config')
        config = config_from_text(meta['cfg'], str(checkpoint))
    config = _public(config)
    state = {key: tensor.detach().cpu().clone() for key, tensor in weights.items()}
    content = dict(
        state_dict=state,
        meta=dict(
            cfg=config.pretty_text,
            arch=_arch_of(config),
            metric={key: float(value) for key, value in (metric or {}).items()},
            sha256=digest(state),
            dataset_meta=dict(classes=_classes(meta)),
        ),
    )
    stem = name or Path(config.filename or checkpoint).stem
    # Into memory, because a file would carry its own temporary name.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    hashed = hashlib.sha256(buffer.getvalue()).hexdigest()[:8]
    final = Path(out) / f'{stem}-{hashed}.pth'
    with atomic_write(final) as path:
        path.write_bytes(buffer.getvalue())
    with atomic_write(final.with_suffix('.py')) as path:
        path.write_text(config.pretty_text)
    # What is handed out has to pass the door that users open it through.
    load_checkpoint_file(final)
    return Published(final, final.with_suffix('.py'))


def digest(state: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and values, in order of the names."""
    total = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        total.update(f'{name} {tensor.dtype} {tuple(tensor.shape)}'.encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def _public(config: Config) -> Config:
    """A copy without this machine's paths and this run's settings."""
    public = Config(config.to_dict(), filename=config.filename)
    for key in PRIVATE:
        public.pop(key, None)
    if isinstance(public.get('data_root'), str):
        replace_data_root(public, DATA_ROOT)
    return public


def _arch_of(config: Config) -> str | None:
    """The arch that a fixed network was built from."""
    model = config.get('model', {})
    backbone, neck = model.get('backbone', {}), model.get('neck') or {}
    if 'stages' not in backbone or 'merges' not in neck:
        return None
    return str(Arch.build(backbone['stages'], neck['merges']))


def _classes(meta: Mapping[str, Any]) -> tuple[str, ...]:
    """Class names, as plain text."""
    classes = (meta.get('dataset_meta') or {}).get('classes', ('face',))
    return tuple(map(str, classes))
