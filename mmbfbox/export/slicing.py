"""A subnet of a supernet: its config is data, its weights are a rename and a filter."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mmbfbox.errors import UserError
from mmbfbox.space import Arch

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
