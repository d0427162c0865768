"""An arch and a supernet as an ordinary config and checkpoint."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine import Config
from torch import Tensor

from mmbfbox.artifacts.checkpoint_meta import ExportMeta
from mmbfbox.engine.checkpoint.weights import check_weights
from mmbfbox.errors import UserError
from mmbfbox.export.plain_steps import use_mmdets_steps
from mmbfbox.export.slicing import subnet_model, subnet_weights
from mmbfbox.export.supernet import build_without_storage, read_arch, read_supernet
from mmbfbox.space import Arch
from mmbfbox.utils.config import config_text, load_config
from mmbfbox.utils.data_root import face_category_of, set_data_root_if_there
from mmbfbox.utils.files import atomic_write
from mmbfbox.utils.options import merge_options

Recalibrate = Callable[[Config, Mapping[str, Tensor], Arch], Mapping[str, Tensor]]
"""Takes a supernet's config and state dict and an arch; gives the subnet's state dict, its batch norm
recalibrated: :class:`~mmbfbox.search.scoring.recalibrated.Recalibrator`."""


@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Attributes:
        config: path of the subnet's config.
        weights: path of its checkpoint.
        arch: the arch.
        meta: what the checkpoint notes.
    """

    config: Path
    weights: Path
    arch: Arch
    meta: ExportMeta


def subnet(
    arch: str | Path,
    supernet: str | Path,
    out: str | Path,
    final: str | Path | None = None,
    data_root: str | None = None,
    cfg_options: Mapping[str, Any] | None = None,
    supernet_config: str | Path | None = None,
    kind: str | None = None,
    recalibrate: Recalibrate | None = None,
    face_category: str | None = None,
) -> Exported:
    """Write ``config.py``, ``weights.pth`` and ``arch.json`` of one arch of a supernet.

    No images are needed, unless ``recalibrate`` looks at some.

    Args:
        arch: JSON file of the arch, as the search writes it.
        supernet: checkpoint of the supernet.
        out: folder to write to.
        final: config whose data and schedule train the result. Defaults to the ``final_config`` of the
            supernet's config.
        data_root: put in the place of the config's own. Defaults to that of the supernet's config.
        cfg_options: changes of the written config, dotted key to value.
        supernet_config: config of the supernet. Defaults to the text in its checkpoint.
        kind: ``'raw'`` or ``'ema'`` weights; the average by default, where there is one.
        recalibrate: see :data:`Recalibrate`; without it the weights keep the supernet's statistics and
            are a start for training, not a detector.
        face_category: which category of COCO annotations in ``data_root`` is the face. Defaults to that of
            the supernet's config.

    Raises:
        UserError: a file is missing or does not fit the others, or an option changes the network.
    """
    trained = read_supernet(supernet, supernet_config, kind)
    chosen = read_arch(arch, trained.space)
    final = final or trained.config.get('final_config')
    if not final:
        raise UserError("the supernet's config names no final_config; say which one with --config")
    model, state = trained.config.model, trained.weights.state
    root = data_root or trained.config.get('data_root')
    category = face_category or face_category_of(trained.config)
    config = subnet_config(final, model, chosen, root, cfg_options, category)
    sliced = (
        recalibrate(trained.config, state, chosen) if recalibrate else subnet_weights(state, chosen)
    )
    check_weights(build_without_storage(config.model), sliced, f'the subnet of {supernet}')
    text = trained.space.to_json(chosen)
    meta = ExportMeta(
        dataset_meta=trained.weights.meta.get('dataset_meta'),
        weights=trained.weights.kind,
        arch=text,
        recalibrated=recalibrate is not None,
    )
    paths = write_subnet(out, config, text, sliced, meta)
    return Exported(*paths, chosen, meta)


def subnet_config(
    final: str | Path,
    model: Mapping[str, Any],
    arch: Arch,
    data_root: str | None = None,
    cfg_options: Mapping[str, Any] | None = None,
    face_category: str | None = None,
) -> Config:
    """The complete config of a subnet: data and schedule of ``final``, the model of ``arch``.

    Its test pipelines have mmdet's own steps, see
    :func:`~mmbfbox.export.plain_steps.use_mmdets_steps`.

    Args:
        final: config that the result is trained with, by path or name.
        model: model config of the supernet.
        arch: an arch of its space.
        data_root: data folder, put in the place of the config's own; it need not be there.
        cfg_options: changes of the config, dotted key to value; those of ``model`` change the subnet's.
        face_category: which category of COCO annotations in ``data_root`` is the face.

    Raises:
        UserError: the config is not usable, or an option does not fit it.
    """
    options = dict(cfg_options or {})
    of_model = {key: options.pop(key) for key in list(options) if key.split('.')[0] == 'model'}
    config = load_config(final, options)
    if data_root and data_root != config.get('data_root'):
        set_data_root_if_there(config, data_root, face_category)
    config.model = subnet_model(model, arch)
    merge_options(config, of_model, f'of the subnet by {final}')
    use_mmdets_steps(config)
    return config


def write_subnet(
    out: str | Path,
    config: Config,
    arch_json: str | None,
    weights: Mapping[str, Tensor],
    meta: ExportMeta,
) -> tuple[Path, Path]:
    """Write ``config.py``, ``weights.pth`` and ``arch.json`` into a folder.

    Args:
        out: the folder; it is created.
        config: the complete config of the subnet.
        arch_json: the arch as its space writes it; None for a network without one.
        weights: state dict of the subnet.
        meta: notes for the checkpoint.

    Returns:
        Paths of the config and of the weights.

    Raises:
        UserError: the folder cannot be written to, or the disk is full.
    """
    out = Path(out)
    config_path, weights_path = out / 'config.py', out / 'weights.pth'
    if arch_json is None:
        (out / 'arch.json').unlink(missing_ok=True)
    else:
        with atomic_write(out / 'arch.json') as path:
            path.write_text(arch_json + '\n')
    with atomic_write(config_path) as path:
        path.write_text(config_text(config))
    # Clones, because a slice of a larger storage would save all of it.
    state = {name: tensor.detach().cpu().clone() for name, tensor in weights.items()}
    # Through memory, because torch does not say that the disk is full.
    buffer = io.BytesIO()
    torch.save(dict(state_dict=state, meta=meta.to_meta()), buffer)
    with atomic_write(weights_path) as path:
        path.write_bytes(buffer.getbuffer())
    return config_path, weights_path
