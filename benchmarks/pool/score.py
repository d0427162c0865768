"""What does a supernet say of the pool's networks, at two budgets and under each treatment of batch norm?

    OMP_NUM_THREADS=1 python benchmarks/pool/score.py --data DATA --work-dir work_dirs/pool_supernets
    python benchmarks/pool/score.py --data DATA --crops 22400

Trains supernets of the light space on so many crops each, by the recommended training with a moving average
of what is stepped, and scores the networks of the pool with raw and averaged weights on the held-out
training images, as a search does: batch norm recalibrated on training crops, on whole images, on all crops
at once (layer by layer), and not at all. With crops it also scores random networks outside of the pool,
from which the denoised score learns. All is kept in benchmarks/records/pool_scores and goes on where it was
stopped; ranking.py and regret.py read it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

from mmengine import Config
from mmengine.device import get_device
from mmengine.registry import init_default_scope

from benchmarks.common.pool import SEARCH, Pool, read_pool
from benchmarks.common.pool_scores import DENOISED_WAY, FOLDER, PoolScores, fingerprint_of
from benchmarks.common.recorded_runs import TOOLS, set_option
from benchmarks.common.scripts import new_parser
from mmbfbox.engine import read_weights
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.pipeline.plan import Pipeline
from mmbfbox.pipeline.run import run
from mmbfbox.search.denoising.settings import ScoreSettings
from mmbfbox.search.scoring import reference
from mmbfbox.search.scoring.build import build_scorer
from mmbfbox.search.scoring.data import CROPS
from mmbfbox.search.zero_cost import ZERO_COST, ZeroCost
from mmbfbox.space import Arch
from mmbfbox.space.draw import seed_of
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import replace_data_root

SUPERNET = 'light/0.5g/bfbox_supernet_light-0.5g_wider_mini.py'
WARM_UP = 50
KINDS = ('raw', 'ema')
WAYS = (DENOISED_WAY, 'images', 'layer by layer', 'not recalibrated')


def main() -> None:
    """Train supernets and score."""
    parser = new_parser(__doc__)
    parser.add_argument('--data', type=Path, required=True, help='wider_mini')
    parser.add_argument(
        '--work-dir', type=Path, default=Path('work_dirs/pool_supernets'), help='where supernets go'
    )
    parser.add_argument(
        '--crops', type=int, nargs='+', default=[22_400, 90_000], help='of each supernet'
    )
    parser.add_argument('--others', type=int, default=100, help='networks outside of the pool')
    parser.add_argument('--kinds', nargs='+', choices=KINDS, default=list(KINDS), help='weights')
    parser.add_argument(
        '--ways', nargs='+', choices=WAYS, default=list(WAYS), help='treatments of batch norm'
    )
    parser.add_argument(
        '--train-only', action='store_true', help='train the supernets, score nothing'
    )
    args = parser.parse_args()
    init_default_scope('mmdet')
    pool = read_pool()
    for crops in args.crops:
        name, checkpoint = train(args, crops)
        for kind in () if args.train_only else args.kinds:
            score(args, pool, name, crops, checkpoint, kind)


def train(args: argparse.Namespace, crops: int) -> tuple[str, Path]:
    """A supernet, trained if it is not there: its name and last checkpoint."""
    config = load_config(SUPERNET)
    iterations = round(crops / config.train_dataloader.batch_size)
    for key, value in {
        'train_cfg.max_iters': iterations,
        'param_scheduler.CosineAnnealingLR.T_max': iterations - WARM_UP,
        'param_scheduler.CosineAnnealingLR.end': iterations,
        'custom_hooks.PathEMAHook': dict(type='PathEMAHook'),
        'supernet_check': None,
    }.items():
        set_option(config, key, value)
    replace_data_root(config, args.data)
    name = f'supernet of {crops // 1000} k crops'
    plan = Pipeline(args.work_dir / f'crops{crops}', args.data)
    file = plan.folder / 'config.py'
    step = plan.add_training(
        'supernet', file, iterations, configs={'config': config}, files={file: 'config'}
    )
    print(f'{name}: {step.folder}', file=sys.stderr, flush=True)
    run(plan, TOOLS, redo=True, log=args.work_dir / f'crops{crops}.log')
    return name, step.done


def score(
    args: argparse.Namespace, pool: Pool, name: str, crops: int, checkpoint: Path, kind: str
) -> None:
    """Score every network under every treatment; each result is written at once.

    Raises:
        UserError: some are scored already, by another supernet.
    """
    path = FOLDER / f'crops{crops}-{kind}.json'
    weights = read_weights(checkpoint, kind).state
    scores = read_or_begin(path, PoolScores(name, crops, kind, fingerprint=fingerprint_of(weights)))
    members = [member.arch for member in pool.members]
    for way in args.ways:
        archs = [*members, *(others(pool, args.others) if way == DENOISED_WAY else ())]
        known = scores.scores.setdefault(way, {})
        missing = [arch for arch in archs if str(arch) not in known]
        if not missing:
            continue
        with treatment(args.data, way) as config:
            scorer = build_scorer(config, weights)
            for arch in scorer.prepare(missing):
                found = scorer.score(arch)
                known[str(arch)] = {key: round(value, 5) for key, value in found.items()}
                scores.write(path)
                print(f'{kind}, {way}: {len(known)}/{len(archs)}', file=sys.stderr, flush=True)
    config = search_config(args.data)
    zero_cost = ZeroCost(config, list(ZERO_COST), str(get_device()))
    for arch in members:
        if str(arch) not in scores.zero_cost:
            scores.zero_cost[str(arch)] = zero_cost(arch)
            scores.write(path)


def read_or_begin(path: Path, begun: PoolScores) -> PoolScores:
    """The scores of a file, or new ones where there is none.

    Raises:
        UserError: the file's are those of another supernet.
    """
    if not path.is_file():
        return begun
    scores = PoolScores.read(path)
    if scores.fingerprint != begun.fingerprint:
        other = scores.fingerprint or 'trained before supernets were told apart'
        raise UserError(
            f'{path} holds scores by another supernet ({other}; here {begun.fingerprint}), and scores of two '
            'cannot be mixed; give its work dir as --work-dir, or move the file away to score all networks '
            'with this one'
        )
    return scores


def others(pool: Pool, number: int) -> list[Arch]:
    """Random networks within the pool's band, drawn as a search draws them."""
    low, high = pool.macs
    seed, found, index = seed_of('search', 0), {}, 0
    members = {member.arch.canonical() for member in pool.members}
    while len(found) < number:
        arch, index = pool.costs.space.sample(seed, index).canonical(), index + 1
        if low <= pool.costs.detector(arch).macs <= high and arch not in members:
            found[arch] = None
    return list(found)


def search_config(data: Path) -> Config:
    """The config of the search, whose scores have their noise."""
    config = load_config(SEARCH)
    replace_data_root(config, data)
    ScoreSettings().use(config)
    return config


@contextmanager
def treatment(data: Path, way: str) -> Iterator[Config]:
    """The search's config under a treatment of batch norm."""
    config = search_config(data)
    config.search.recalibration = 'images' if way == 'images' else 'crops'
    if way == 'layer by layer':
        config.train_dataloader.batch_size = CROPS
    if way != 'not recalibrated':
        yield config
        return
    config.search.scorer = dict(type='reference')

    def keep(*_: Any) -> None:
        """Keep the supernet's running statistics."""

    with patch.object(reference, 'recalibrate', keep):
        yield config


if __name__ == '__main__':
    exit_on_user_error(main)()
