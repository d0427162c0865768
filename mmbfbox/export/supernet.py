"""A trained supernet and the archs of its space, read from their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmdet.registry import MODELS
from mmengine import Config
from mmengine.registry import init_default_scope
from torch import nn

from mmbfbox.engine import load_checkpoint_file
from mmbfbox.engine.checkpoint.weights import Weights, check_weights, weights_of
from mmbfbox.errors import UserError
from mmbfbox.models import space_of
from mmbfbox.space import Arch, JointSpace
from mmbfbox.utils.config import config_from_text, load_config
from mmbfbox.utils.text import read_text
from mmbfbox.utils.without_storage import without_storage


@dataclass(frozen=True)
class Supernet:
    """A trained supernet.

    Attributes:
        config: the config that it was trained with.
        weights: its weights, which fit this config exactly.
        space: its archs.
    """

    config: Config
    weights: Weights
    space: JointSpace


def read_supernet(
    path: str | Path, config: str | Path | None = None, kind: str | None = None
) -> Supernet:
    """Read a supernet.

    Args:
        path: its checkpoint, or its bare state dict.
        config: path or name of its config. Defaults to the text in the checkpoint.
        kind: ``'raw'`` or ``'ema'``, see :func:`~mmbfbox.engine.checkpoint.weights.read_weights`.

    Raises:
        UserError: the file cannot be read, names no config where none is given, its weights do not
            belong to the config, or that is not one of a supernet.
    """
    checkpoint = load_checkpoint_file(path)
    weights = weights_of(checkpoint, str(path), kind)
    if config is not None:
        found = load_config(config)
    elif isinstance(weights.meta.get('cfg'), str):
        found = config_from_text(weights.meta['cfg'], str(path))
    else:
        raise UserError(
            f'{path} is no training checkpoint (no "state_dict" and "meta.cfg"); give a checkpoint that '
            f'tools/train.py wrote, or name the config of these weights with --supernet-config'
        )
    model = build_without_storage(found.model)
    space = space_of(model)
    check_weights(model, weights.state, str(path))
    return Supernet(found, weights, space)


def supernet_space(model: Mapping[str, Any]) -> JointSpace:
    """The space of a supernet, from the config of its model.

    Raises:
        UserError: it is none.
    """
    return space_of(build_without_storage(model))


def read_arch(path: str | Path, space: JointSpace) -> Arch:
    """Read an arch of a space from the JSON file that the search wrote.

    Raises:
        UserError: the file is missing or holds no arch of this space.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f'the architecture {path} does not exist; give a JSON file of the search')
    return space.from_json(read_text(path))


def build_without_storage(model: Mapping[str, Any]) -> nn.Module:
    """A detector on torch's ``meta`` device: names and shapes of its weights, and no values."""
    init_default_scope('mmdet')
    with without_storage():
        detector: nn.Module = MODELS.build(model)
    return detector
