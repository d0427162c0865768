"""The pool: how well does each score put networks into the order of training from scratch?

    python benchmarks/pool/ranking.py --figures DIR

Reads the records of benchmarks/pool/train.py and of score.py. For each score: Kendall's tau with medium AP
from scratch (mean over the seeds), its 95 % interval over resamples of the backbones, and tau corrected for
the noise of the seeds: that with the order of an endless number of trainings.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout


from benchmarks.common.pool_figures import draw_taus
from benchmarks.common.pool_records import all_columns, measured, read_records
from benchmarks.common.pool_statistics import (
    RESAMPLES,
    corrected_tau,
    noise_of,
    tau,
    tau_interval,
    tau_of_correlation,
)
from benchmarks.common.scripts import new_parser, print_head, print_row
from mmbfbox.errors import exit_on_user_error


def main() -> None:
    """Print the table and draw it."""
    parser = new_parser(__doc__)
    parser.add_argument('--figures', type=Path, metavar='DIR', help='draw the table there')
    parser.add_argument('--resamples', type=int, default=RESAMPLES, help='of what is not known')
    args = parser.parse_args()
    records = read_records()
    medium = measured(records, 'medium')
    noise = noise_of(medium)
    reliability = noise.of(medium.seeds)
    truth = medium.means
    print(f'{len(truth)} networks; reliability of medium AP from scratch {reliability:.2f}\n')
    print_head('score', 'tau', '95 %', 'corrected')
    rows = {}
    for name, values in all_columns(records).items():
        found = tau(values, truth)
        low, high = tau_interval(values, truth, medium.backbones, args.resamples)
        rows[name] = found, low, high
        corrected = corrected_tau(found, reliability)
        print_row(name, f'{found:+.2f}', f'{low:+.2f} to {high:+.2f}', f'{corrected:+.2f}')
    ceiling = tau_of_correlation(reliability**0.5)
    print(f'\nA perfect score would reach {ceiling:.2f}, because of the noise of the seeds.')
    if args.figures:
        path = args.figures / 'pool_taus.png'
        draw_taus(path, rows, ceiling, f'{len(truth)} networks of the light space')
        print(f'wrote {path}')


if __name__ == '__main__':
    exit_on_user_error(main)()
