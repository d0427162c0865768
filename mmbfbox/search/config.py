"""The search that a config describes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmdet.registry import MODELS
from mmengine import Config
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from torch import nn

from mmbfbox.artifacts.search import SEARCH_FILE, SearchFile
from mmbfbox.engine import load_weights, read_weights
from mmbfbox.errors import UserError
from mmbfbox.models import cost_table, space_of
from mmbfbox.search.constraints import LATENCY, Constraints, CostCounter
from mmbfbox.search.denoising.settings import ScoreSettings, check_metric, last_checkpoints
from mmbfbox.search.distributed import Processes
from mmbfbox.search.identity import search_identity
from mmbfbox.search.loop import SearchLoop
from mmbfbox.search.progress import Progress
from mmbfbox.search.pruner import Pruner
from mmbfbox.search.samplers import build_sampler, complete_settings
from mmbfbox.search.scoring.build import build_scorer
from mmbfbox.search.scoring.checkpoints import MeanOfCheckpoints
from mmbfbox.search.scoring.deployed_latency import deployed_runner
from mmbfbox.search.scoring.interface import Scorer
from mmbfbox.search.scoring.latency import LatencyMeter, latency_settings, path_runner
from mmbfbox.search.settings import check_settings
from mmbfbox.search.training_images import training_images
from mmbfbox.search.zero_cost import ZeroCost
from mmbfbox.space import JointSpace, freeze
from mmbfbox.space.draw import seed_of
from mmbfbox.utils.fingerprint import fingerprint
from mmbfbox.utils.quiet import build_quietly
from mmbfbox.utils.renamed_keys import rename_keys

LATENCIES = 'latencies.jsonl'


@dataclass(frozen=True)
class PreparedSearch:
    """A search that is ready to run.

    Args:
        config: its config.
        loop: its loop.
        space: what it searches.
        supernet: path of the supernet's checkpoint.
        checkpoint: what that holds.
        device: where it computes.
    """

    config: Config
    loop: SearchLoop
    space: JointSpace
    supernet: str
    checkpoint: dict[str, Any]
    device: str


def own_device() -> str:
    """The device of this process: mmengine's choice, and of several GPUs the one of its ``LOCAL_RANK``."""
    device = str(get_device())
    if device == 'cuda':
        local = int(os.environ.get('LOCAL_RANK', 0)) % torch.cuda.device_count()
        torch.cuda.set_device(local)
        device = f'cuda:{local}'
    return device


def build_search(config: Config, supernet: str, processes: Processes) -> PreparedSearch:
    """Build everything that a search config describes, with the supernet's weights.

    Args:
        config: config with ``search``, see docs/search.md.
        supernet: path of the supernet's checkpoint.
        processes: the processes that share the search.

    Raises:
        UserError: the config is no search config or has a wrong key, or the checkpoint belongs to
            another config.
    """
    rename_keys(config)
    settings = config.get('search')
    check_settings(settings)
    settings.sampler = complete_settings(settings.get('sampler'))
    score = ScoreSettings.build(settings.get('score'))
    check_metric(settings.metric, score)
    if score is not None:
        score.use(config)
    device = own_device()
    weights = read_weights(supernet)
    state = weights.state
    checkpoint = dict(state_dict=state, meta={**weights.meta, 'weights': weights.kind})
    if processes.rank == 0:
        print(f'scoring with the {weights}', flush=True)
    init_default_scope(config.get('default_scope', 'mmdet'))
    model = build_quietly(lambda: MODELS.build(config.model))
    load_weights(model, state, supernet)
    space = freeze(space_of(model), settings.get('freeze'))
    constraints = Constraints(settings.constraints or {})
    size = int(settings.size[0]), int(settings.size[1])
    latency = None
    if LATENCY in constraints.bounds or settings.get('latency') is not None:
        latency = latency_settings(settings.get('latency'), size)
    scorer = _scorer(config, state, device, score, supernet)
    name = torch.cuda.get_device_name() if device.startswith('cuda') else device
    if latency and 'backend' in latency:
        name = 'cpu'  # where it is measured, whatever the scores are computed on
    stream = _stream(Path(config.work_dir))
    identity = search_identity(
        config,
        space,
        scorer,
        Path(supernet).read_bytes(),
        latency and {**latency, 'device': name},
        training_images(weights.meta, config, supernet),
        stream,
    )
    if processes.rank == 0:
        print(f'scoring on {identity.held_out}', flush=True)
    seed = seed_of('search', settings.seed) if stream == 'own' else settings.seed
    loop = SearchLoop(
        sampler=build_sampler(settings.sampler, space, seed, settings.metric),
        scorer=scorer,
        costs=CostCounter(cost_table(model, (224, 224)), cost_table(model, size)),
        constraints=constraints,
        work_dir=Path(config.work_dir),
        identity=identity,
        metric=settings.metric,
        latency=_meter(latency, config, model, device) if latency else None,
        pruner=Pruner.build(settings.get('pruner')),
        chunk=settings.get('chunk'),
        proxies=ZeroCost(config, score.zero_cost, device) if score and score.zero_cost else None,
        processes=processes,
        progress=Progress(settings.metric, processes),
    )
    return PreparedSearch(config, loop, space, supernet, checkpoint, device)


def _scorer(
    config: Config, state: dict[str, Any], device: str, score: ScoreSettings | None, supernet: str
) -> Scorer:
    """The scorer of the config, or the mean of those of the supernet's last checkpoints."""
    if score is None or score.checkpoints == 1:
        return build_scorer(config, state, device)
    if config.search.get('pruner') is not None:
        raise UserError(
            'search.score.checkpoints averages whole scores, and search.pruner stops early; leave one away'
        )
    paths = last_checkpoints(supernet, score.checkpoints)
    states = [state, *(read_weights(path).state for path in paths[1:])]
    scorers = [build_scorer(config, each, device) for each in states]
    return MeanOfCheckpoints(scorers, [fingerprint(path.read_bytes()) for path in paths])


def _stream(work_dir: Path) -> str:
    """Which random numbers a search draws: a search that was begun goes on with its own."""
    file = work_dir / SEARCH_FILE
    return SearchFile.read(file).stream if file.exists() else 'own'


def _meter(settings: dict[str, Any], config: Config, model: nn.Module, device: str) -> LatencyMeter:
    size = settings['size'][0], settings['size'][1]
    if 'backend' in settings:
        run = deployed_runner(config.model, size, settings['backend'], settings['threads'])
    else:
        run = path_runner(model, size, device)
    path = Path(config.work_dir) / LATENCIES
    return LatencyMeter(run, path, settings['warmup'], settings['repeats'])
