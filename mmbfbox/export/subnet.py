"""A subnet of a supernet: its config is data, its weights are a rename and a filter."""

from __future__ import annotations

import copy
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine import Config
from torch import Tensor

from mmbfbox.errors import UserError
from mmbfbox.space import Arch
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import set_data_root
from mmbfbox.utils.files import atomic_write

_CHOICE = re.compile(r'backbone\.stages\.(\d+)\.(\d+)\.choices\.([^.]+)\.(.+)')
_GATE = re.compile(r'neck\.attention\.p(\d+)_([cp]\d+)\.')


def subnet_model(model: Mapping[str, Any], arch: Arch) -> dict[str, Any]:
    """The model config of a subnet.

    Args:
        model: model config of the supernet, with SearchableFaceBackbone and SearchableAttentionFPN.
        arch: an arch of its space.

    Returns:
        The same config with FaceBackbone and AttentionFPN.

    Raises:
        UserError: ``model`` is not the config of a supernet.
    """
    kinds = (model['backbone']['type'], model.get('neck', {}).get('type'))
    if kinds != ('SearchableFaceBackbone', 'SearchableAttentionFPN'):
        raise UserError(
            f'the config has the backbone {kinds[0]} and the neck {kinds[1]}; give the config of a '
            f'supernet, with SearchableFaceBackbone and SearchableAttentionFPN'
        )
    subnet = copy.deepcopy(dict(model))
    data = arch.to_dict()
    backbone, neck = dict(subnet['backbone']), dict(subnet['neck'])
    for key in ('depths', 'shallow_stages', 'shallow_choices', 'deep_choices'):
        backbone.pop(key, None)
    for key in ('targets', 'fixed_order'):
        neck.pop(key, None)
    subnet['backbone'] = {**backbone, 'type': 'FaceBackbone', 'stages': data['stages']}
    subnet['neck'] = {**neck, 'type': 'AttentionFPN', 'merges': data['merges']}
    return subnet


def subnet_config(
    final: str | Path,
    model: Mapping[str, Any],
    arch: Arch,
    data_root: str | None = None,
    cfg_options: Mapping[str, Any] | None = None,
) -> Config:
    """The complete config of a subnet: data and schedule of ``final``, the model of ``arch``.

    Args:
        final: config that the result is trained with, by path or name.
        model: model config of the supernet.
        arch: an arch of its space.
        data_root: data folder of the supernet, put in the place of the config's own.
        cfg_options: changes of the config, dotted key to value.

    Raises:
        UserError: a config or the data folder is not usable.
    """
    config = load_config(final, cfg_options)
    if data_root and data_root != config.get('data_root'):
        set_data_root(config, data_root)
    config.model = subnet_model(model, arch)
    return config


def subnet_weights(state: Mapping[str, Tensor], arch: Arch) -> dict[str, Tensor]:
    """The slice of a supernet's state dict that a subnet uses, under the subnet's names.

    Args:
        state: state dict of the supernet's detector.
        arch: an arch of its space.

    Returns:
        The tensors themselves, not copies.
    """
    edges = {(merge.target, merge.source) for merge in arch.merges}
    weights = {}
    for name, tensor in state.items():
        choice, gate = _CHOICE.fullmatch(name), _GATE.match(name)
        if choice:
            stage, slot = int(choice[1]), int(choice[2])
            if arch.stages[stage][slot] == choice[3]:
                weights[f'backbone.stages.{stage}.{slot}.{choice[4]}'] = tensor
        elif not gate or (int(gate[1]), gate[2]) in edges:
            weights[name] = tensor
    return weights


def write_subnet(
    out: str | Path,
    config: Config,
    arch_json: str,
    weights: Mapping[str, Tensor],
    meta: Mapping[str, Any],
) -> tuple[Path, Path]:
    """Write ``config.py``, ``weights.pth`` and ``arch.json`` into a folder.

    Args:
        out: the folder; it is created.
        config: the complete config of the subnet.
        arch_json: the arch as its space writes it.
        weights: state dict of the subnet.
        meta: plain values to note in the checkpoint.

    Returns:
        Paths of the config and of the weights.

    Raises:
        UserError: the folder cannot be written to, or the disk is full.
    """
    out = Path(out)
    config_path, weights_path = out / 'config.py', out / 'weights.pth'
    with atomic_write(out / 'arch.json') as path:
        path.write_text(arch_json + '\n')
    with atomic_write(config_path) as path:
        path.write_text(config.pretty_text)
    # Clones, because a slice of a larger storage would save all of it.
    state = {name: tensor.detach().cpu().clone() for name, tensor in weights.items()}
    # Through memory, because torch does not say that the disk is full.
    buffer = io.BytesIO()
    torch.save(dict(state_dict=state, meta=dict(meta)), buffer)
    with atomic_write(weights_path) as path:
        path.write_bytes(buffer.getbuffer())
    return config_path, weights_path
