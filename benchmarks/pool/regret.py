"""The pool: how much worse than the best network is what each method picks, and what does the pick cost?

    python benchmarks/pool/regret.py --figures DIR
    python benchmarks/pool/regret.py --seeds 0 1

Reads the records of benchmarks/pool/train.py and of score.py. Methods: the best by a score; the best k by a
score trained in full; fewer of them, the better ones again with further seeds; random networks trained in
both ways; finalists (the best 8 or 16 by a score, fewer after each rung, judged by the training loss so
far); a shrunk space (networks with a choice that is worse beyond its error drop out). Costs are whole
trainings of a network, without the supernet. Regret is in points of medium AP over what the records leave
open. The paper's ways to search (joint, in two steps, intuitive) pick by the same scores; how a search
samples cannot be told with so few networks.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import numpy as np

from benchmarks.common.pool_figures import draw_regrets
from benchmarks.common.pool_records import (
    all_columns,
    losses_until,
    measured,
    read_records,
    shrunk,
)
from benchmarks.common.pool_statistics import (
    REPEATED,
    RESAMPLES,
    Floats,
    Measured,
    Pick,
    best_of,
    best_trained,
    cost_of_halving,
    halving,
    intuitive,
    noise_of,
    random_trained,
    regrets,
    repeated,
    seeds_to_tell,
    two_step,
)
from benchmarks.common.scripts import new_parser, print_head, print_row
from mmbfbox.errors import exit_on_user_error

SHARES = (1 / 9, 1 / 3, 1.0)
TRAINED = (1, 2, 4, 8, 16)


def main() -> None:
    """Print both tables, and draw the first."""
    parser = new_parser(__doc__)
    parser.add_argument('--figures', type=Path, metavar='DIR', help='draw the regrets there')
    parser.add_argument('--resamples', type=int, default=RESAMPLES, help='of what is not known')
    parser.add_argument(
        '--seeds',
        type=int,
        nargs='+',
        help='count the records of these alone: does the answer stay?',
    )
    args = parser.parse_args()
    records = {
        member: kept
        for member, of_seeds in read_records().items()
        if (kept := {s: r for s, r in of_seeds.items() if args.seeds is None or s in args.seeds})
    }
    medium = measured(records, 'medium')
    noise = noise_of(medium)
    columns = all_columns(records)
    rungs = [-losses_until(records, share) for share in SHARES[:-1]]
    picks: dict[tuple[str, float], Pick] = {('random', k): random_trained(k) for k in TRAINED}
    for sizes in REPEATED:
        picks['random, repeated', sum(sizes)] = repeated(None, sizes)
    for name, score in columns.items():
        picks[name, 0] = best_of(score)
        for sizes in REPEATED:
            picks[f'{name}, repeated', sum(sizes)] = repeated(score, sizes)
        for k in TRAINED[1:]:
            picks[f'{name}, best k trained', k] = best_trained(score, k)
        for first in (8, 16):
            sizes = [first, max(2, round(first * 5 / 16)), 2]
            cost = cost_of_halving(sizes, SHARES)
            picks[f'{name}, finalists', cost] = halving(score, rungs, sizes)
        left = shrunk(records, score)
        if not left.all():
            picks[f'{name}, shrunk space', 0] = best_of(np.where(left, score, -np.inf))
    found = regrets(
        {f'{name}|{cost}': pick for (name, cost), pick in picks.items()},
        medium,
        noise,
        args.resamples,
    )
    print_head('method', 'trainings', 'regret', '95 %')
    lines: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for name, cost in picks:
        values = 100 * found[f'{name}|{cost}']
        low, high = np.percentile(values, [2.5, 97.5])
        lines[name].append((cost, float(values.mean())))
        print_row(name, f'{cost:.1f}', f'{values.mean():.2f}', f'{low:.2f} to {high:.2f}')
    print()
    print_overview(['random', *columns], lines)
    print()
    print_modes(columns, medium)
    if args.figures:
        path = args.figures / 'pool_regrets.png'
        draw_regrets(path, lines, 'regret (points of medium AP)', f'{len(medium.names)} networks')
        print(f'\nwrote {path}')


def print_overview(
    scores: Iterable[str], lines: Mapping[str, Sequence[tuple[float, float]]]
) -> None:
    """Mean regrets: a row for each score, a column for each way to spend trainings on its best networks.

    Args:
        scores: their names.
        lines: of each method, pairs of its cost and its mean regret.
    """
    ways = {'none': ('', 0), 'one random': ('', 1)}
    ways |= {f'best {k}': (', best k trained', k) for k in TRAINED[1:]}
    ways |= {'best ' + ' + '.join(map(str, s)): (', repeated', sum(s)) for s in REPEATED}
    print_head('score', *ways)
    for name in scores:
        known = {
            (end, cost): regret
            for end in ('', ', best k trained', ', repeated')
            for cost, regret in lines.get(f'{name}{end}', ())
        }
        # Random networks are trained in any case.
        known |= {(', best k trained', cost): r for cost, r in lines.get(name, ()) if cost > 1}
        found = [known.get(way) for way in ways.values()]
        print_row(name, *('' if regret is None else f'{regret:.2f}' for regret in found))


def print_modes(columns: Mapping[str, Floats], medium: Measured) -> None:
    """The paper's ways to search, by the mean of what they pick over what stays fixed on the way."""
    if len(medium.names) != (medium.backbones.max() + 1) * (medium.topologies.max() + 1):
        print('Not every backbone is trained with every topology yet: no ways to search.')
        return
    backbones, topologies = range(medium.backbones.max() + 1), range(medium.topologies.max() + 1)
    print_head('score', 'joint', 'in two steps', 'intuitive', 'seeds to tell joint from two steps')
    for name, score in columns.items():
        joint = medium.means[int(np.argmax(score))]
        steps = [medium.means[two_step(score, medium, fixed)] for fixed in topologies]
        apart = [
            medium.means[intuitive(score, medium, b, t)] for b in backbones for t in topologies
        ]
        deviation = float(np.sqrt(noise_of(medium).seeds))
        needed = seeds_to_tell(float(joint - np.mean(steps)), deviation)
        shown = [f'{100 * value:.1f}' for value in (joint, np.mean(steps), np.mean(apart))]
        print_row(name, *shown, 'none differ' if needed == float('inf') else f'{needed:.0f}')


if __name__ == '__main__':
    exit_on_user_error(main)()
