"""The pool: what is the order of networks of a light space when each is trained from scratch?

    OMP_NUM_THREADS=1 python benchmarks/pool/train.py --data DATA --work-dir work_dirs/pool
    python benchmarks/pool/train.py --data DATA --again b03-m3-seed0
    python benchmarks/pool/train.py --table

12 backbones x 4 topologies of the pyramid, all within 5 % of the same multiply-adds, are drawn from the space
of the 0.5 G family. Each is trained by the recommended short training and tested on the validation images;
12 of them with a second seed, 4 with a third. First comes a pilot, 4 networks with 3 seeds each: whether
networks differ by more than the seeds. Each training leaves a record in benchmarks/records/pool, and the same
command makes what has none yet; --tests then adds what the networks reach with other batch-norm statistics.
DATA is wider_mini. A training takes 4 minutes of a quiet core, or whatever device there is. --again makes one
record anew, beside the old one, and says whether it lands within the spread of the seeds.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

from benchmarks.common.pool import FINAL, Member, Pool, read_pool
from benchmarks.common.pool_records import PoolRecords, measured
from benchmarks.common.pool_statistics import noise_of
from benchmarks.common.recorded_runs import RecordedRuns, mean_and_spread
from benchmarks.common.scripts import new_parser, print_head, print_row
from benchmarks.common.side_by_side import SideBySide, add_options, tell
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.search.scoring.norm_statistics import KINDS

STATISTICS = tuple(kind for kind in KINDS if kind != 'running')


def main() -> None:
    """Train what is missing, make a record again, or print what there is."""
    parser = new_parser(__doc__)
    parser.add_argument('--data', type=Path, help='wider_mini, a folder in WIDER FACE layout')
    parser.add_argument(
        '--work-dir', type=Path, default=Path('work_dirs/pool'), help='where trainings go'
    )
    parser.add_argument('--most', type=int, metavar='N', help='stop after so many trainings')
    parser.add_argument(
        '--seeds', type=int, default=0, metavar='N',
        help='train every network with so many seeds, where more than the plan has',
    )  # fmt: skip
    parser.add_argument(
        '--tests', action='store_true',
        help='also test with batch-norm statistics of training crops and of training images',
    )  # fmt: skip
    add_options(parser)
    parser.add_argument('--again', metavar='ID', help='make this record again, like b03-m3-seed0')
    parser.add_argument('--table', action='store_true', help='print the records and do nothing')
    args = parser.parse_args()
    if not args.table and args.data is None:
        raise UserError('give the folder of the images as --data, or --table for what there is')
    pool = read_pool()
    runs = RecordedRuns('pool', FINAL, args.data or Path('data'), args.work_dir)
    records = PoolRecords(pool, runs)
    if args.again:
        make_again(pool, records, args.again)
        return
    if not args.table:
        train(pool, records, args)
    print_table(records)


def train(pool: Pool, records: PoolRecords, args: argparse.Namespace) -> None:
    """Run what has no record yet, the pilot first."""
    jobs = list(pool.jobs(args.seeds))
    missing = [job for job in jobs if not records.path(*job).is_file()]
    if args.at_once > 1:
        planned = [records.job(*job) for job in missing[: args.most]]
        SideBySide.of(args).train(records.runs, planned)
    if args.train_only:
        return
    if args.trained_only:
        missing = [job for job in missing if SideBySide.trained(records.runs, [records.job(*job)])]
    for number, (member, seed) in enumerate(missing[: args.most], 1):
        tell(f'{number}/{len(missing)}: {member.name}, seed {seed}')
        record = records.make(member, seed)
        tell(f'    medium AP {100 * record.scores["medium"]:.1f}, loss {record.loss:.3f}')
    for kind in STATISTICS if args.tests else ():
        for member, seed in jobs:
            if records.path(member, seed).is_file():
                tell(f'statistics of {kind}: {member.name}, seed {seed}')
                records.test_again(member, seed, kind)


def make_again(pool: Pool, records: PoolRecords, name: str) -> None:
    """Make a record again and compare both.

    Raises:
        UserError: there is no such record, or too few have a second seed.
    """
    member, seed = parse(pool, name)
    before = records.read(member, seed)
    if before is None:
        raise UserError(f'there is no record {records.path(member, seed)}; --table lists them')
    deviation = math.sqrt(noise_of(measured(records.all_seeds(), 'medium')).seeds)
    after = records.make(member, seed, again=True)
    old, new = before.scores['medium'], after.scores['medium']
    # The difference of two seeds, in 19 of 20 cases.
    allowed = 1.96 * math.sqrt(2) * deviation
    verdict = 'within' if abs(new - old) <= allowed else 'OUTSIDE'
    print(
        f'{name}: medium AP {100 * new:.2f}, the record says {100 * old:.2f}; that is {verdict} the '
        f'spread of the seeds (±{100 * allowed:.2f}). The new record is {records.again_path(member, seed)}'
    )


def parse(pool: Pool, name: str) -> tuple[Member, int]:
    """A network and a seed from ``b03-m3-seed0``.

    Raises:
        UserError: the text has another form.
    """
    member, _, seed = name.rpartition('-seed')
    if not seed.isdecimal():
        raise UserError(f'{name!r} is not the name of a record; write it like b03-m3-seed0')
    return pool.member(member), int(seed)


def print_table(records: PoolRecords) -> None:
    """Print every network that has a record."""
    print_head('network', 'G multiply-adds', 'seeds', 'easy', 'medium', 'hard', 'loss')
    for member, found in records.all_seeds().items():
        scores = [
            mean_and_spread(record.scores[key] for record in found.values())
            for key in ('easy', 'medium', 'hard')
        ]
        loss = sum(record.loss for record in found.values()) / len(found)
        print_row(member.name, f'{member.macs / 1e9:.3f}', len(found), *scores, f'{loss:.3f}')


if __name__ == '__main__':
    exit_on_user_error(main)()
