"""The winner's trial: does what a search finds beat what the same money finds without one?

    python benchmarks/pool/trial.py --choose work_dirs/search
    python benchmarks/pool/trial.py --data DATA --at-once 15 --crops 22400
    python benchmarks/pool/trial.py --table

--choose takes four networks of at most the same multiply-adds from a finished search with finalists and from
the records of the pool: the search's best by one-shot score, the winner of its finalists, the best of as many
random networks of the pool as the search's finalists, candidates and supernet have cost, and the pool's
median. These, a network made by hand and the ResNet baseline are then trained with three seeds, twice as long
as in the pool, tested on the validation images, and recorded in benchmarks/records/trial.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import numpy as np

from benchmarks.common.pool import FINAL, SEED, Pool, read_pool
from benchmarks.common.pool_records import measured, read_records
from benchmarks.common.recorded_runs import RECORDS, Network, RecordedRuns, mean_and_spread
from benchmarks.common.scripts import new_parser, print_head, print_row
from benchmarks.common.side_by_side import Job, SideBySide, add_options, tell
from benchmarks.training.ingredients import schedule, slug
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.export.slicing import subnet_model
from mmbfbox.search.finalists.standings import Standings
from mmbfbox.search.storage.candidates import best_first, read_work_dir
from mmbfbox.space import Arch
from mmbfbox.utils.config import load_config
from mmbfbox.utils.files import atomic_write

BASELINE = 'light/0.5g/retinanet_r18_fpn_light-0.5g_wider_mini.py'
BY_HAND = 'light/0.5g/bfbox_reference_light-0.5g_wider_mini.py'
NETWORKS = RECORDS / 'trial' / 'networks' / 'networks.json'
SEEDS = (0, 1, 2)
LENGTH = 2800
RANDOM = 8
"""Whole trainings that finalists, candidates and supernet cost together, rounded up."""


def main() -> None:
    """Choose, train what is missing, or print what there is."""
    parser = new_parser(__doc__)
    parser.add_argument('--choose', type=Path, metavar='SEARCH', help='work dir of a search')
    parser.add_argument('--data', type=Path, help='wider_mini, a folder in WIDER FACE layout')
    parser.add_argument(
        '--work-dir', type=Path, default=Path('work_dirs/trial'), help='where trainings go'
    )
    add_options(parser)
    parser.add_argument('--table', action='store_true', help='print the records and do nothing')
    args = parser.parse_args()
    if args.choose:
        choose(args.choose)
        return
    if not args.table and args.data is None:
        raise UserError('give the folder of the images as --data, or --table for what there is')
    runs = RecordedRuns('trial', FINAL, args.data or Path('data'), args.work_dir)
    planned = jobs(read_pool())
    if not args.table:
        train(runs, planned, args)
    print_table(runs, planned)


def choose(search: Path) -> None:
    """Write which networks take part.

    Raises:
        UserError: the search has no finalists yet, or the pool no records.
    """
    standings = Standings.read(search)
    if standings is None or standings.winner is None:
        raise UserError(
            f'{search} has no winner among finalists yet; let tools/search.py end first'
        )
    _, candidates = read_work_dir(search)
    winners = [found for found in standings.order() if found.arch]
    medium = measured(read_records(), 'medium')
    pool = read_pool()
    order = np.random.Generator(np.random.PCG64(SEED)).permutation(len(medium.names))[:RANDOM]
    best = max(order, key=lambda number: medium.values[number][0])
    middle = int(np.argsort(medium.means)[len(medium.means) // 2])
    best_scored = best_first(candidates, standings.file.metric)[0]
    networks = {
        'one-shot best': best_scored.arch,
        "finalists' winner": winners[0].arch,
        f'best of {RANDOM} random': pool.member(medium.names[best]).arch,
        'median of the pool': pool.member(medium.names[middle]).arch,
    }
    NETWORKS.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(NETWORKS) as temporary:
        text = {name: str(arch) for name, arch in networks.items()}
        temporary.write_text(json.dumps(text, indent=2) + '\n')
    print(f'wrote {NETWORKS}')


def jobs(pool: Pool) -> dict[str, list[Job]]:
    """The trainings of each network.

    Raises:
        UserError: none is chosen.
    """
    if not NETWORKS.is_file():
        raise UserError(f'there is no {NETWORKS}; choose the networks first, see --help')
    found: dict[str, Network] = {
        name: Network(subnet_model(pool.model, Arch.parse(text)), text)
        for name, text in json.loads(NETWORKS.read_text()).items()
    }
    found['made by hand'] = Network(load_config(BY_HAND).model, 'by hand')
    found['ResNet-18 baseline'] = Network(load_config(BASELINE).model, 'ResNet-18')
    return {
        name: [Job(slug(name), seed, schedule(LENGTH), network) for seed in SEEDS]
        for name, network in found.items()
    }


def train(runs: RecordedRuns, planned: dict[str, list[Job]], args: argparse.Namespace) -> None:
    """Run what has no record yet."""
    every = [job for of_network in planned.values() for job in of_network]
    if args.at_once > 1:
        SideBySide.of(args).train(runs, every)
    if args.train_only:
        return
    if args.trained_only:
        every = SideBySide.trained(runs, every)
    for number, job in enumerate(every, 1):
        tell(f'{number}/{len(every)}: {job.name}, seed {job.seed}')
        runs(*job)


def print_table(runs: RecordedRuns, planned: dict[str, list[Job]]) -> None:
    """Print each network, and by how many standard errors the winner is better."""
    records = {name: runs.recorded(of[0].name, SEEDS) for name, of in planned.items()}
    winner = [record.scores['medium'] for record in records["finalists' winner"]]
    print_head('network', 'seeds', 'easy', 'medium', 'hard', 'winner, better by', 'loss')
    for name, found in records.items():
        if not found:
            continue
        scores = [
            mean_and_spread(record.scores[key] for record in found)
            for key in ('easy', 'medium', 'hard')
        ]
        medium = [record.scores['medium'] for record in found]
        loss = statistics.fmean(record.loss for record in found)
        print_row(name, len(found), *scores, advantage(winner, medium), f'{loss:.3f}')


def advantage(winner: list[float], other: list[float]) -> str:
    """A difference of means in points with its standard error; '' where there are too few values."""
    if min(len(winner), len(other)) < 2 or winner == other:
        return ''
    error = math.sqrt(sum(statistics.variance(v) / len(v) for v in (winner, other)))
    difference = statistics.fmean(winner) - statistics.fmean(other)
    return f'{100 * difference:+.1f} ±{100 * error:.1f}'


if __name__ == '__main__':
    exit_on_user_error(main)()
