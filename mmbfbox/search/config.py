"""The search that a config describes."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmdet.registry import MODELS
from mmengine import Config
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from torch import nn

from mmbfbox.engine import load_weights, read_weights
from mmbfbox.errors import UserError
from mmbfbox.models import cost_table, space_of
from mmbfbox.search.constraints import LATENCY, Costs, Limits
from mmbfbox.search.distributed import Ranks
from mmbfbox.search.loop import Searcher
from mmbfbox.search.progress import Progress
from mmbfbox.search.pruner import Race
from mmbfbox.search.samplers import build_strategy
from mmbfbox.search.scoring.build_scorer import build_scorer
from mmbfbox.search.scoring.building import build_quietly
from mmbfbox.search.scoring.interface import Scorer
from mmbfbox.search.scoring.latency import LatencyMeter, latency_settings, path_runner
from mmbfbox.search.storage.work_dir import fingerprint
from mmbfbox.space import FrozenSpace, JointSpace, freeze

NEEDED = ('candidates', 'seed', 'metric', 'size', 'limits', 'best')
OPTIONAL = ('strategy', 'freeze', 'latency', 'race', 'chunk', 'scorer', 'export')
LATENCIES = 'latencies.jsonl'

_HARMLESS = ('budget', 'memory', 'cache')
"""Parts of the names of scorer keys that change the speed only."""


@dataclass(frozen=True)
class Search:
    """A search that is ready to run.

    Args:
        config: its config.
        searcher: its loop.
        space: what it searches.
        supernet: path of the supernet's checkpoint.
        checkpoint: what that holds.
        device: where it computes.
    """

    config: Config
    searcher: Searcher
    space: JointSpace
    supernet: str
    checkpoint: dict[str, Any]
    device: str


def own_device() -> str:
    """The device of this process: mmengine's choice, and of several GPUs the one of its local rank."""
    device = str(get_device())
    if device == 'cuda':
        local = int(os.environ.get('LOCAL_RANK', 0)) % torch.cuda.device_count()
        torch.cuda.set_device(local)
        device = f'cuda:{local}'
    return device


def build_searcher(config: Config, supernet: str, ranks: Ranks) -> Search:
    """Build everything that a search config describes, with the supernet's weights.

    Args:
        config: config with ``search``, see docs/search.md.
        supernet: path of the supernet's checkpoint.
        ranks: the processes that share the search.

    Raises:
        UserError: the config is no search config or has a wrong key, or the checkpoint belongs to
            another config.
    """
    settings = config.get('search')
    _check_keys(settings)
    device = own_device()
    weights = read_weights(supernet)
    state = weights.state
    checkpoint = dict(state_dict=state, meta={**weights.meta, 'weights': weights.kind})
    if ranks.rank == 0:
        print(f'scoring with the {weights}', flush=True)
    init_default_scope(config.get('default_scope', 'mmdet'))
    model = build_quietly(lambda: MODELS.build(config.model))
    load_weights(model, state, supernet)
    space = freeze(space_of(model), settings.get('freeze'))
    limits = Limits(settings.limits or {})
    race = Race.build(settings.get('race'))
    size = int(settings.size[0]), int(settings.size[1])
    latency = None
    if LATENCY in limits.bounds or settings.get('latency') is not None:
        latency = latency_settings(settings.get('latency'), size)
    scorer = build_scorer(config, state, device)
    identity = _identity(config, space, limits, scorer)
    identity['supernet'] = fingerprint(Path(supernet).read_bytes())
    if latency:
        name = torch.cuda.get_device_name() if device.startswith('cuda') else device
        identity['latency'] = {**latency, 'device': name}
    searcher = Searcher(
        strategy=build_strategy(settings.get('strategy'), space, settings.seed, settings.metric),
        scorer=scorer,
        costs=Costs(cost_table(model, (224, 224)), cost_table(model, size)),
        limits=limits,
        work_dir=Path(config.work_dir),
        identity=identity,
        metric=settings.metric,
        latency=_meter(latency, model, Path(config.work_dir), device) if latency else None,
        race=race,
        chunk=settings.get('chunk'),
        ranks=ranks,
        progress=Progress(settings.metric, ranks),
    )
    return Search(config, searcher, space, supernet, checkpoint, device)


def _check_keys(settings: Mapping[str, Any] | None) -> None:
    if not settings or not set(NEEDED) <= set(settings):
        raise UserError(
            f'the config has no complete "search" (keys {", ".join(NEEDED)}); inherit from one like '
            f'configs/paper/bfbox_search_wider_face.py'
        )
    known = [*NEEDED, *OPTIONAL]
    for key in sorted(set(settings) - set(known)):
        near = difflib.get_close_matches(key, known, n=2) or known
        raise UserError(f'search has the key {key!r}; did you mean {" or ".join(near)}?')
    for key in ('candidates', 'best', 'chunk'):
        value = settings.get(key)
        if value is not None and (not isinstance(value, int) or value < 1):
            raise UserError(f'search.{key} is {value!r}, expected a whole number of 1 or more')
    if settings['metric'] not in ('easy', 'medium', 'hard'):
        raise UserError(f'search.metric is {settings["metric"]!r}, expected easy, medium or hard')
    if not isinstance(settings['seed'], int) or settings['seed'] < 0:
        raise UserError(
            f'search.seed is {settings["seed"]!r}, expected a whole number of 0 or more'
        )


def _identity(config: Config, space: JointSpace, limits: Limits, scorer: Scorer) -> dict[str, Any]:
    """The plain values that decide which candidates there are and what they score.

    The number of candidates, what happens to the best, and what only makes it faster are not among them.
    """
    settings = config.search
    fixed = {}
    if isinstance(space, FrozenSpace):
        fixed = {
            'backbone': space.stages and [' '.join(stage) for stage in space.stages],
            'fpn': space.merges and [str(merge) for merge in space.merges],
        }
    loaders = {name: config[f'{name}_dataloader'] for name in ('recalibration', 'held_out')}
    return {
        'space': str(space),
        'strategy': dict(settings.get('strategy') or dict(type='random')),
        'seed': settings.seed,
        'metric': settings.metric,
        'limits': {name: dict(bound) for name, bound in limits.bounds.items()},
        'fixed parts': fixed,
        'race': settings.get('race') and dict(settings.race),
        'size': list(settings.size),
        'scorer': {
            key: value
            for key, value in (settings.get('scorer') or {}).items()
            if not any(part in key for part in _HARMLESS)
        },
        'detector': fingerprint(config.model.to_dict()),
        **{
            f'{name} images': f'{_which_images(config, name, len(names))} ({fingerprint(names)})'
            for name, names in scorer.images.items()
        },
        **{
            f'{name} batches': {
                'size': loader.get('batch_size', 1),
                'pipeline': fingerprint(dict(steps=loader.dataset.get('pipeline'))),
            }
            for name, loader in loaders.items()
        },
    }


def _which_images(config: Config, name: str, number: int) -> str:
    """What the report says about a list of images: how many, of which file, and if trained on."""
    dataset = config[f'{name}_dataloader'].dataset
    training = config.get('train_dataloader', {}).get('dataset', {})
    file = dataset.get('ann_file', '')
    if file != training.get('ann_file'):
        trained = 'not of the training file'
    elif dataset.get('part') == 'held_out' and training.get('part') == 'train':
        trained = 'held out of training'
    else:
        trained = 'used in training'
    return f'{number} of {Path(file).name}, {trained}'


def _meter(settings: dict[str, Any], model: nn.Module, folder: Path, device: str) -> LatencyMeter:
    height, width = settings['size']
    run = path_runner(model, (height, width), device)
    return LatencyMeter(run, folder / LATENCIES, settings['warmup'], settings['repeats'])
