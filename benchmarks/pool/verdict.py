"""The pool: write what it says of scores into the package, where the report of a search shows it.

    python benchmarks/pool/verdict.py

Reads the records of benchmarks/pool/train.py and of score.py. The report of a search in the same space tells
by it how far its scores can be trusted, and how many candidates are worth a training.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout


from benchmarks.common.pool import read_pool
from benchmarks.common.pool_records import all_columns, measured, read_records
from benchmarks.common.pool_scores import METRIC
from benchmarks.common.pool_statistics import (
    REPEATED,
    RESAMPLES,
    Pick,
    best_of,
    best_trained,
    noise_of,
    random_trained,
    regrets,
    repeated,
    tau,
    tau_interval,
    tau_of_correlation,
)
from benchmarks.common.scripts import new_parser
from mmbfbox.artifacts.pool_verdict import PoolVerdict
from mmbfbox.errors import exit_on_user_error
from mmbfbox.search.report.verdict import RANDOM, VERDICT_FILE

TRAINED = (0, 2, 4, 8, 16)


def main() -> None:
    """Write the verdict."""
    parser = new_parser(__doc__)
    parser.add_argument('--out', type=Path, default=VERDICT_FILE, help='the file to write')
    parser.add_argument('--resamples', type=int, default=RESAMPLES, help='of what is not known')
    args = parser.parse_args()
    verdict(args.resamples).write(args.out)
    print(f'wrote {args.out}')


def verdict(resamples: int) -> PoolVerdict:
    """What the records say.

    Raises:
        UserError: there are too few.
    """
    records = read_records()
    all_records = [record for of_seeds in records.values() for record in of_seeds.values()]
    medium = measured(records, METRIC)
    noise, truth = noise_of(medium), medium.means
    reliability = noise.of(medium.seeds)
    taus: dict[str, list[float]] = {}
    picks: dict[tuple[str, int | tuple[int, ...]], Pick] = {}
    for name, score in all_columns(records).items():
        ends = tau_interval(score, truth, medium.backbones, resamples)
        taus[name] = [round(float(value), 3) for value in (tau(score, truth), *ends)]
        for number in TRAINED:
            picks[name, number] = best_trained(score, number) if number else best_of(score)
        for sizes in REPEATED:
            picks[name, sizes] = repeated(score, sizes)
    for number in TRAINED[1:]:
        picks[RANDOM, number] = random_trained(number)
    for sizes in REPEATED:
        picks[RANDOM, sizes] = repeated(None, sizes)
    named = {f'{name}|{way}': pick for (name, way), pick in picks.items()}
    found = regrets(named, medium, noise, resamples)
    once: dict[str, dict[str, float]] = {}
    again: dict[str, dict[str, float]] = {}
    for name, way in picks:
        points = round(100 * float(found[f'{name}|{way}'].mean()), 2)
        if isinstance(way, tuple):
            again.setdefault(name, {})[' '.join(map(str, way))] = points
        else:
            once.setdefault(name, {})[str(way)] = points
    return PoolVerdict(
        read_pool().costs.space.id,
        len(truth),
        len(all_records),
        all_records[0].training.iterations,
        METRIC,
        round(tau_of_correlation(reliability**0.5), 3),
        taus,
        once,
        again,
    )


if __name__ == '__main__':
    exit_on_user_error(main)()
