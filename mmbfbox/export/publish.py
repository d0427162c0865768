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
from torch import Tensor, nn

from mmbfbox.artifacts.checkpoint_meta import PublishMeta
from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.engine.checkpoint.loading import load_checkpoint_file
from mmbfbox.engine.checkpoint.weights import check_weights, digest, read_weights
from mmbfbox.errors import UserError
from mmbfbox.export.local_paths import without_local_paths
from mmbfbox.export.plain_steps import use_mmdets_steps
from mmbfbox.export.supernet import build_without_storage
from mmbfbox.space import Arch
from mmbfbox.utils.config import config_from_text, config_text
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
        meta: what the file notes.
        replaced: dotted keys of the settings that named files of this machine.
    """

    weights: Path
    config: Path
    meta: PublishMeta
    replaced: tuple[str, ...] = ()


@dataclass(frozen=True)
class Publication:
    """What is handed out of a checkpoint, in memory.

    Attributes:
        state: the weights, on the CPU.
        config: the config, without this machine's paths.
        meta: what is noted beside the weights.
        replaced: dotted keys of the settings that named files of this machine.
    """

    state: dict[str, Tensor]
    config: Config
    meta: PublishMeta
    replaced: tuple[str, ...] = ()

    def to_pth(self) -> bytes:
        """The content of a ``.pth`` file."""
        # Into memory, because a file would carry its own temporary name.
        buffer = io.BytesIO()
        torch.save(dict(state_dict=self.state, meta=self.meta.to_meta()), buffer)
        return buffer.getvalue()


def publish(
    checkpoint: str | Path,
    out: str | Path,
    config: Config | None = None,
    metrics: Metrics | None = None,
    name: str | None = None,
    kind: str | None = None,
) -> Published:
    """Write what others need of a checkpoint.

    The file holds ``state_dict`` and, in ``meta``, the fields of
    :class:`~mmbfbox.artifacts.checkpoint_meta.PublishMeta`. Optimizer, log histories, host, times and
    paths stay behind: the config's data root becomes ``data/WIDER/``, and other paths of this machine what
    :func:`~mmbfbox.export.local_paths.without_local_paths` makes of them.

    Args:
        checkpoint: a checkpoint of ``tools/train.py`` or weights of ``tools/export_subnet.py``.
        out: folder to write to.
        config: the model's config. Defaults to the text in the checkpoint.
        metrics: results to note, of a test of these weights.
        name: start of the file's name. Defaults to that of the config, else of the checkpoint.
        kind: ``'raw'`` or ``'ema'`` weights; the average by default, where there is one.

    Raises:
        UserError: the checkpoint is missing, damaged or holds a type that is not allowed; it has no
            weights, or not those that are asked for; there is no config, or it is one of another
            network; or the results are of other weights.
    """
    publication = gather(checkpoint, config, metrics, kind)
    stem = name or Path(publication.config.filename or checkpoint).stem
    content = publication.to_pth()
    hashed = hashlib.sha256(content).hexdigest()[:8]
    final = Path(out) / f'{stem}-{hashed}.pth'
    with atomic_write(final) as path:
        path.write_bytes(content)
    with atomic_write(final.with_suffix('.py')) as path:
        path.write_text(publication.meta.cfg)
    # What is handed out has to pass the door that users open it through.
    load_checkpoint_file(final)
    return Published(final, final.with_suffix('.py'), publication.meta, publication.replaced)


def gather(
    checkpoint: str | Path,
    config: Config | None = None,
    metrics: Metrics | None = None,
    kind: str | None = None,
) -> Publication:
    """What is handed out of a checkpoint; arguments and errors are those of :func:`publish`."""
    weights = read_weights(checkpoint, kind)
    if config is None:
        if not isinstance(weights.meta.get('cfg'), str):
            raise UserError(f'the checkpoint {checkpoint} holds no config; give it as --config')
        config = config_from_text(weights.meta['cfg'], str(checkpoint))
    config, replaced = _public(config)
    check_weights(_build(config), weights.state, str(checkpoint))
    state = {key: tensor.detach().cpu().clone() for key, tensor in weights.state.items()}
    text, total = config_text(config), digest(state)
    settings = metrics.settings if metrics else None
    if settings and settings.sha256 not in (None, total):
        raise UserError(
            f'the results are those of other weights than the {weights}; test these, and give the '
            f'metrics.json of that test'
        )
    meta = PublishMeta(
        dataset_meta=dict(classes=_classes(weights.meta)),
        weights=weights.kind,
        cfg=text,
        arch=_arch_of(config),
        metric=without_local_paths(dict(metrics.scores) if metrics else {})[0],
        settings=without_local_paths(settings.to_plain() if settings else None)[0],
        sha256=total,
    )
    return Publication(state, config, meta, tuple(replaced))


def _build(config: Config) -> nn.Module:
    """The detector of a config, without storage."""
    try:
        return build_without_storage(config.model)
    except UserError:
        raise
    except Exception as error:  # a registry, or a constructor of whatever network
        raise UserError(
            f'the model of the config cannot be built ({type(error).__name__}: {error}); give the config '
            f'that the checkpoint was trained with'
        ) from error


def _public(config: Config) -> tuple[Config, list[str]]:
    """A copy without this machine's paths and this run's settings, and the keys of other changed paths."""
    public = Config(config.to_dict(), filename=config.filename)
    for key in PRIVATE:
        public.pop(key, None)
    root = public.get('data_root')
    if isinstance(root, str) and root.strip('/'):
        replace_data_root(public, DATA_ROOT)
    use_mmdets_steps(public)
    settings, replaced = without_local_paths(public.to_dict())
    return Config(settings, filename=config.filename), replaced


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
    names: tuple[str, ...] = without_local_paths(tuple(map(str, classes)))[0]
    return names
