"""What does the demo's searched network reach, beside its baseline, over several seeds?

    OMP_NUM_THREADS=1 python benchmarks/training/demo_spread.py
    OMP_NUM_THREADS=1 python benchmarks/training/demo_spread.py --data DATA
    python benchmarks/training/demo_spread.py --table

Runs the whole chain (`tools/demo.py --seed N`) once a seed: another supernet, other candidates, other
crops, the same images. What was trained from scratch leaves records in benchmarks/records/demo; the same
command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

from benchmarks.common.recorded_runs import RECORDS, TOOLS, mean_and_spread
from benchmarks.common.scripts import new_parser, print_head, print_row
from mmbfbox.artifacts.finalists import BASELINE
from mmbfbox.artifacts.run_record import RunRecord
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.pipeline.demo import DEMO, MINI, Configs, plan_demo
from mmbfbox.pipeline.demo_results import SEARCHED, trained_networks
from mmbfbox.pipeline.run import run
from mmbfbox.pipeline.trainings import run_record
from mmbfbox.utils.config import load_config

NETWORKS = (SEARCHED, BASELINE)
"""What a row is about."""


def main() -> None:
    """Run what is missing, and print what there is."""
    parser = new_parser(__doc__)
    parser.add_argument(
        '--data', type=Path, help="folder in WIDER FACE layout; the demo's own images by default"
    )
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument(
        '--work-dir', type=Path, default=Path('work_dirs/demo_spread'), help='where the runs go'
    )
    parser.add_argument('--table', action='store_true', help='print the records and do nothing')
    args = parser.parse_args()
    if not args.table:
        for seed in args.seeds:
            _run(args, seed)
    _print_table()


def _name(data: Path | None, network: str) -> str:
    return f'{data.resolve().name if data else "demo"}-{network}'


def _path(name: str, seed: int) -> Path:
    return RECORDS / 'demo' / f'{name}-seed{seed}.json'


def _run(args: argparse.Namespace, seed: int) -> None:
    """One chain, unless its records stand already."""
    paths = {network: _path(_name(args.data, network), seed) for network in NETWORKS}
    if all(path.is_file() for path in paths.values()):
        return
    names = MINI if args.data else DEMO
    plan = plan_demo(args.work_dir / _name(args.data, f'seed{seed}'), args.data, seed=seed)
    run(plan, TOOLS)
    for one in trained_networks(plan):
        arch = None if one.arch is None else str(one.arch)
        config = _config(names, one.name)
        record = run_record(
            _name(args.data, one.name), config, plan, one.checkpoint, one.metrics, one.options, arch
        )
        record.write(paths[one.name])


def _config(names: Configs, network: str) -> str:
    """The config that a network was trained with."""
    if network == BASELINE:
        return names.baseline
    return str(load_config(names.supernet).final_config)


def _print_table() -> None:
    records = [RunRecord.read(path) for path in sorted((RECORDS / 'demo').glob('*.json'))]
    if not records:
        raise UserError('there are no records yet; run without --table first')
    print_head('training', 'seeds', 'easy', 'medium', 'hard', 'loss', 'minutes')
    for name in dict.fromkeys(record.name for record in records):
        same = [record for record in records if record.name == name]
        keys = ('easy', 'medium', 'hard')
        scores = [mean_and_spread(record.scores[key] for record in same) for key in keys]
        loss = statistics.fmean(record.loss for record in same)
        minutes = statistics.fmean(record.training.seconds for record in same) / 60
        print_row(name, len(same), *scores, f'{loss:.3f}', f'{minutes:.1f}')


if __name__ == '__main__':
    exit_on_user_error(main)()
