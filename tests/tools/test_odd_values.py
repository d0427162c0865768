"""Each key of our own parts of a config with each odd value: it is taken, or the sentence names the part."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from mmdet.registry import DATASETS, HOOKS, MODELS, TRANSFORMS
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope

from mmbfbox.datasets import WiderFaceDataset
from mmbfbox.errors import in_one_sentence
from mmbfbox.utils.config import load_config
from mmbfbox.utils.quiet import build_quietly
from mmbfbox.utils.without_storage import without_storage
from tests.abuse.strategies.configs import ODD
from tests.datasets.small_wider import TRAINING, build, write_wider

CONFIGS = ('demo/bfbox_supernet_demo.py', 'light/0.5g/bfbox_supernet_light-0.5g_wider_mini.py')
REGISTRIES = (DATASETS, HOOKS, MODELS, TRANSFORMS)
OURS = 'mmbfbox.'
SMALL = {'WiderFaceDataset': dict(held_out=1, recalibration=1, serialize_data=False)}


def parts(settings: Any) -> Iterator[dict[str, Any]]:
    """Every part with a type, the outer ones first."""
    if isinstance(settings, dict):
        if isinstance(settings.get('type'), str):
            yield settings
        for value in settings.values():
            yield from parts(value)
    elif isinstance(settings, (list, tuple)):
        for value in settings:
            yield from parts(value)


def own_parts() -> dict[str, dict[str, Any]]:
    """A config of each of our own classes that the configs name."""
    init_default_scope('mmdet')
    found: dict[str, dict[str, Any]] = {}
    for name in CONFIGS:
        for part in parts(load_config(name).to_dict()):
            kind = next((k for r in REGISTRIES if (k := r.get(part['type']))), None)
            if kind is not None and kind.__module__.startswith(OURS):
                part.pop('data_root', None)
                found.setdefault(part['type'], part)
    return found


PARTS = own_parts()


def keys_of(part: dict[str, Any]) -> list[str]:
    """The keys that a config gives to a part, and those that its own class takes."""
    kind = next(k for r in REGISTRIES if (k := r.get(part['type'])))
    own = [
        name
        for base in inspect.getmro(kind)
        if base.__module__.startswith(OURS) and '__init__' in vars(base)
        for name, value in inspect.signature(base).parameters.items()
        if value.kind is value.POSITIONAL_OR_KEYWORD or value.kind is value.KEYWORD_ONLY
    ]
    return sorted({*part, *own} - {'type'})


def use(part: dict[str, Any], dataset: WiderFaceDataset) -> None:
    """Build a part, and use it once where using is cheap.

    Args:
        part: its settings.
        dataset: small images, on which a step of a pipeline is tried in the place where it belongs.
    """
    part = copy.deepcopy(part)
    registry = next(r for r in REGISTRIES if r.get(part['type']))
    if registry is MODELS:
        with without_storage():
            build_quietly(lambda: MODELS.build(part))
    elif registry is DATASETS:
        DATASETS.build({'data_root': dataset.data_root, **part})
    elif registry is TRANSFORMS:
        steps = [one for one in TRAINING if one['type'] != part['type']]
        known = [n for n, one in enumerate(TRAINING) if one['type'] == part['type']]
        place = 2 if part['type'].startswith('Decode') else (known or [len(steps)])[0]
        Compose([*steps[:place], part, *steps[place:]])(dataset.get_data_info(0))
    else:
        registry.build(part)


@pytest.fixture(scope='module')
def dataset(tmp_path_factory: pytest.TempPathFactory) -> WiderFaceDataset:
    init_default_scope('mmdet')
    return build(write_wider(tmp_path_factory.mktemp('data')))


@pytest.mark.parametrize('name', sorted(PARTS))
def test_odd_values_are_taken_or_refused_in_one_sentence(
    name: str, dataset: WiderFaceDataset
) -> None:
    raw = []
    for key in keys_of(PARTS[name]):
        for value in ODD:
            try:
                use({**PARTS[name], **SMALL.get(name, {}), key: value}, dataset)
            except Exception as error:
                if in_one_sentence(error) is None:
                    raw.append(f'{key}={value!r}: {type(error).__name__}: {str(error)[:90]}')
    assert not raw, '\n'.join(raw)
