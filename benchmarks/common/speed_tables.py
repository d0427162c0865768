"""The tables of search/speed.py."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.stats import spearmanr

from benchmarks.common.scorer_runs import PARTS, ScorerRun
from benchmarks.common.scripts import print_head, print_row


def print_speeds(runs: Sequence[ScorerRun]) -> None:
    """Time of each, beside the first one and beside the forward passes alone."""
    passes = [run for run in runs if run.name == 'forward']
    bases = [runs[0], *passes]
    titles = [f'of {run.name}' for run in bases]
    print()
    print_head('scorer', 'seconds a candidate', 'a minute', 'an hour', *titles)
    for run in runs:
        ratios = [f'{run.mean / base.mean:.2f} x' for base in bases]
        rates = f'{60 / run.mean:.1f}', f'{3600 / run.mean:.0f}'
        print_row(run.name, f'{run.mean:.3f}', *rates, *ratios)


def print_parts(runs: Sequence[ScorerRun]) -> None:
    """Where the time goes."""
    runs = [run for run in runs if run.parts]
    if not runs:
        return
    print()
    print_head('seconds a candidate', *PARTS, 'the rest')
    for run in runs:
        spent = {part: run.parts.get(part, 0.0) / run.parts_of for part in PARTS}
        rest = run.mean - sum(s for part, s in spent.items() if part not in run.beside)
        cells = [f'({s:.3f})' if part in run.beside else f'{s:.3f}' for part, s in spent.items()]
        print_row(run.name, *cells, f'{rest:.3f}')
    print('In brackets: in other threads, meanwhile.')


def print_differences(runs: Sequence[ScorerRun], hard_faces: int) -> None:
    """How far the scores are from those of the first one that has any."""
    runs = [run for run in runs if run.scores]
    if len(runs) < 2:
        return
    first = runs[0]
    expected = [scores['hard'] for scores in first.scores]
    print(
        f'\n{hard_faces} hard faces; hard AP {100 * min(expected):.2f} to '
        f'{100 * max(expected):.2f} % with {first.name}\n'
    )
    titles = 'largest difference in any AP', 'in hard AP', 'mean', 'correlation of orders'
    print_head('scorer', *titles)
    for run in runs[1:]:
        hard = [scores['hard'] for scores in run.scores]
        off = [abs(a - b) for a, b in zip(hard, expected, strict=True)]
        pairs = zip(run.scores, first.scores, strict=True)
        # Where there is no such face AP is not a number.
        worst = max(abs(a[key] - b[key]) for a, b in pairs for key in a if a[key] == a[key])
        cells = [f'{value:.2g}' for value in (worst, max(off), sum(off) / len(off))]
        print_row(run.name, *cells, f'{spearmanr(hard, expected)[0]:.4f}')


def print_device(runs: Sequence[ScorerRun], macs: float, peaks: dict[str, float]) -> None:
    """Arithmetic rate and memory on a GPU.

    Args:
        runs: all; those of the fast scorer are printed.
        macs: multiply-adds a candidate, with prefix reuse.
        peaks: TFLOP/s of the device by precision.
    """
    print()
    print_head('scorer', 'TFLOP/s', 'of the peak', 'GiB')
    for run in runs:
        if not run.name.startswith('fast'):
            continue
        named = [word.split('=')[1] for word in run.name.split(',') if 'precision=' in word]
        rate = 2 * macs / run.mean / 1e12
        share = rate / peaks[named[0] if named else 'fp32']
        print_row(run.name, f'{rate:.1f}', f'{100 * share:.0f} %', f'{run.memory:.1f}')
