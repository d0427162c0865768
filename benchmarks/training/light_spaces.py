"""Which space of 0.5 G multiply-adds holds good networks? Random ones of each, at equal cost and training.

    OMP_NUM_THREADS=1 python benchmarks/training/light_spaces.py --data DATA
    python benchmarks/training/light_spaces.py --table

From each variant of the 0.5 G family's space come random networks of 470 to 508 M multiply-adds at VGA. They
are trained from scratch with half of the recommended short training, on the same crops, and tested. A search
finds nothing better than its space holds: what counts is the mean of a variant, and its best. Each training
leaves a record in benchmarks/records/spaces; the same command goes on where it was stopped.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

from mmengine.registry import init_default_scope

from benchmarks.common.recorded_runs import Network, RecordedRuns, mean_and_spread
from benchmarks.common.scripts import new_parser, print_head, print_row
from benchmarks.training.ingredients import schedule, slug
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.export.slicing import subnet_model
from mmbfbox.export.supernet import build_without_storage
from mmbfbox.models import cost_table
from mmbfbox.space import Arch
from mmbfbox.utils.config import load_config

SEARCH = 'light/0.5g/bfbox_search_light-0.5g_wider_mini.py'
FINAL = 'light/0.5g/bfbox_subnet_light-0.5g_wider_mini.py'
LEAST, MOST, DRAWS, ITERATIONS = 470e6, 508e6, 5000, 700

TOWER = {
    'bbox_head.stacked_convs': 2,
    'bbox_head.depthwise': True,
    'bbox_head.norm_cfg': dict(_delete_=True, type='GN', num_groups=8),
}
SHALLOW, DEEP = 'backbone.shallow_choices', 'backbone.deep_choices'
DEPTHWISE = {
    SHALLOW: ['basic3', 'basic3e50', 'dw3e100', 'dw5e100', 'skip'],
    DEEP: ['basic3', 'basic3e50', 'conv3e50', 'dw3e150', 'dw5e150', 'skip'],
}
SPACES: dict[str, dict[str, Any]] = {
    'as it is': {},
    'with depthwise 3x3': {
        SHALLOW: ['basic3', 'basic3e50', 'dw3e100', 'skip'],
        DEEP: ['basic3', 'basic3e50', 'dw3e150', 'skip'],
    },
    'with depthwise 3x3 and 5x5': DEPTHWISE,
    'the last, with a tower and a second stem convolution': {
        **DEPTHWISE,
        **TOWER,
        'backbone.stem_down': 'conv',
    },
}


def networks(name: str, number: int) -> Iterator[tuple[str, Network]]:
    """Random networks of a variant, with the names of their records.

    Args:
        name: of the variant.
        number: how many.

    Raises:
        UserError: the space has too few of this cost.
    """
    search = load_config(SEARCH, {f'model.{key}': value for key, value in SPACES[name].items()})
    costs = cost_table(build_without_storage(search.model), tuple(search.search.size))
    found = 0
    for index in range(DRAWS):
        arch: Arch = costs.space.sample(0, index)
        if LEAST <= costs.detector(arch).macs <= MOST:
            yield f'{slug(name)}-{found}', Network(subnet_model(search.model, arch), str(arch))
            found += 1
        if found == number:
            return
    raise UserError(
        f'{DRAWS} random archs have {found} of this cost, expected {number}; ask for fewer'
    )


def main() -> None:
    """Train what is missing, and print what there is."""
    parser = new_parser(__doc__)
    parser.add_argument('--data', type=Path, help='wider_mini, a folder in WIDER FACE layout')
    parser.add_argument(
        '--work-dir', type=Path, default=Path('work_dirs/spaces'), help='where trainings go'
    )
    parser.add_argument('--networks', type=int, default=3, help='of each variant')
    parser.add_argument('--table', action='store_true', help='print the records and do nothing')
    args = parser.parse_args()
    if not args.table and args.data is None:
        raise UserError('give the folder of the images as --data, or --table for what there is')
    init_default_scope('mmdet')
    runs = RecordedRuns('spaces', FINAL, args.data or Path('data'), args.work_dir)
    drawn = {name: list(networks(name, args.networks)) for name in SPACES}
    if not args.table:
        for number in range(args.networks):
            for name in SPACES:
                record, network = drawn[name][number]
                print(f'{record}', file=sys.stderr, flush=True)
                runs(record, 0, schedule(ITERATIONS), network)
    _print_table(runs, drawn)


def _print_table(runs: RecordedRuns, drawn: dict[str, list[tuple[str, Network]]]) -> None:
    print_head('space', 'networks', 'easy', 'medium', 'hard', 'best medium', 'loss')
    for name, members in drawn.items():
        records = [record for file, _ in members for record in runs.recorded(file, [0])]
        if not records:
            continue
        keys = ('easy', 'medium', 'hard')
        scores = [mean_and_spread(record.scores[key] for record in records) for key in keys]
        best = max(record.scores['medium'] for record in records)
        loss = sum(record.loss for record in records) / len(records)
        print_row(name, len(records), *scores, f'{100 * best:.1f}', f'{loss:.3f}')


if __name__ == '__main__':
    exit_on_user_error(main)()
