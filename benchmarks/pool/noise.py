"""The pool: do networks differ by more than the seeds, and what makes the difference?

    python benchmarks/pool/noise.py --figures DIR

Reads the records of benchmarks/pool/train.py. For each score: standard deviation between networks and between
seeds, the reliability of one training and of the mean over a network's seeds (which scores are compared with,
and which should reach 0.6), the ceiling (tau between two trainings of all networks), and how the variance
divides among backbone, topology and their interaction, whose mean square is compared with the seeds' noise.
Without interaction a joint search has nothing to win over separate ones.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import numpy as np

from benchmarks.common.pool_figures import draw_factorial
from benchmarks.common.pool_records import SCORES, measured, read_records
from benchmarks.common.pool_statistics import Measured, noise_of, parts_of
from benchmarks.common.scripts import new_parser, print_head, print_row
from mmbfbox.errors import exit_on_user_error

ENOUGH = 0.6


def main() -> None:
    """Print the tables and draw the factorial."""
    parser = new_parser(__doc__)
    parser.add_argument('--figures', type=Path, metavar='DIR', help='draw the factorial there')
    args = parser.parse_args()
    records = read_records()
    print_head(
        'score',
        'networks',
        'seeds of each',
        's.d. of networks',
        's.d. of seeds',
        'reliability of one',
        'of the mean',
        'ceiling',
    )
    for name, unit in SCORES.items():
        found = measured(records, name)
        noise = noise_of(found)
        print_row(
            name, len(found.names), f'{found.counts.mean():.1f}', f'{unit * noise.networks**0.5:.2f}',
            f'{unit * noise.seeds**0.5:.2f}', f'{noise.reliability:.2f}', f'{noise.of(found.seeds):.2f}',
            f'{noise.ceiling:.2f}',
        )  # fmt: skip
    medium = measured(records, 'medium')
    if noise_of(medium).of(medium.seeds) < ENOUGH:
        print(
            f'\nThe reliability of medium AP is below {ENOUGH}: widen the space, train longer or with more '
            'seeds.'
        )
    print_parts(records)
    if args.figures:
        path = args.figures / 'pool_factorial.png'
        draw_factorial(path, table_of(medium), 'medium AP (%) from scratch')
        print(f'\nwrote {path}')


def print_parts(records: object) -> None:
    """Print the analysis of variance, once every network has a record."""
    rows = []
    for name, unit in SCORES.items():
        found = measured(records, name)
        noise = noise_of(found)
        parts = parts_of(found, noise)
        if parts is None:
            print(
                '\nNot every backbone is trained with every topology yet: no analysis of variance.'
            )
            return
        spreads = (parts.backbone, parts.topology, parts.interaction, noise.seeds)
        rows.append([name, *(f'{unit * spread**0.5:.2f}' for spread in spreads)])
        rows[-1] += [f'{parts.f:.2f}', f'{parts.p:.3f}']
    print()
    print_head(
        'score',
        's.d. of backbones',
        'topologies',
        'interaction',
        'seeds',
        'F of the interaction',
        'p',
    )
    for row in rows:
        print_row(*row)


def table_of(found: Measured) -> np.ndarray:
    """Means in percent, ``(backbones, topologies)``."""
    table = np.full((found.backbones.max() + 1, found.topologies.max() + 1), np.nan)
    table[found.backbones, found.topologies] = 100 * found.means
    return table


if __name__ == '__main__':
    exit_on_user_error(main)()
