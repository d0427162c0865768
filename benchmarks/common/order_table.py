"""The table of search/order_correlation.py: how well scores agree with training from scratch."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import kendalltau, spearmanr

from mmbfbox.errors import UserError

RESAMPLES = 2000
BEST = 5

Array = np.ndarray[Any, Any]


def interval(values: Iterable[float]) -> str:
    """The middle 95 %."""
    low, high = np.nanpercentile(list(values), [2.5, 97.5])
    return f'{low:+.2f} to {high:+.2f}'


def table_rows(predictions: dict[str, Array], truth: Array, seed: int) -> Iterator[str]:
    """A Markdown line for each prediction; differences are to the first one."""
    numbers = np.random.default_rng(seed).integers(len(truth), size=(RESAMPLES, len(truth)))
    best = set(np.argsort(-truth)[:BEST])
    first: list[float] = []
    for name, values in predictions.items():
        spearman = [float(spearmanr(values[n], truth[n])[0]) for n in numbers]
        kendall = [float(kendalltau(values[n], truth[n])[0]) for n in numbers]
        # The same resamples for all: what two ways have in common does not widen their difference.
        minus = interval(a - b for a, b in zip(spearman, first, strict=True)) if first else ''
        first = first or spearman
        # Multiply-adds are no AP.
        ap = f'{100 * values.mean():.1f} ± {100 * values.std(ddof=1):.1f}' if values[0] <= 1 else ''
        cells = [
            name,
            f'{spearmanr(values, truth)[0]:+.2f} ({interval(spearman)})',
            f'{kendalltau(values, truth)[0]:+.2f} ({interval(kendall)})',
            minus,
            f'{len(best & set(np.argsort(-values)[:BEST]))} of {BEST}',
            ap,
        ]
        yield f'| {" | ".join(cells)} |'


def print_ways(rows: list[dict[str, Any]]) -> None:
    """Print how far the ways of treating batch norm agree with the first of them."""
    ways = list(rows[0]['scores'])
    scores = {way: np.array([row['scores'][way] for row in rows]) for way in ways}
    first = scores[ways[0]]
    print(
        f'{len(rows)} archs scored\n\n| score | mean AP | Spearman with {ways[0]} | largest difference |'
    )
    print('|---|---|---|---|')
    for way, values in scores.items():
        apart = abs(values - first).max()
        print(
            f'| {way} | {100 * values.mean():.1f} | {spearmanr(values, first)[0]:.3f} | {100 * apart:.1f} |'
        )


def print_table(results: Path, seed: int) -> None:
    """Print what the archs that were scored say, and those that were trained.

    Raises:
        UserError: too few were trained.
    """
    rows = json.loads(results.read_text())['rows'] if results.exists() else []
    rows = [row for row in rows if 'scores' in row]
    if len(rows) > 1:
        print_ways(rows)
    rows = [row for row in rows if row['trained']]
    if len(rows) <= BEST:
        raise UserError(f'{results} has {len(rows)} trained archs, more than {BEST} are needed')
    trained = [[run['hard'] for run in row['trained'].values()] for row in rows]
    truth = np.array([np.mean(hard) for hard in trained])
    ways = list(rows[0]['scores'])
    predictions = {name: np.array([row['scores'][name] for row in rows]) for name in ways}
    predictions['multiply-adds'] = np.array([float(row['macs']) for row in rows])
    print(
        f'\n{len(rows)} archs, hard AP from scratch {100 * truth.mean():.2f} ± '
        f'{100 * truth.std(ddof=1):.2f} (from {100 * truth.min():.2f} to {100 * truth.max():.2f})\n\n'
        f'| score | Spearman | Kendall | Spearman minus that of {ways[0]} '
        f'| of the best {BEST} | its AP |\n|---|---|---|---|---|---|'
    )
    with warnings.catch_warnings():
        # A resample may hold a single value many times.
        warnings.simplefilter('ignore')
        print(*table_rows(predictions, truth, seed), sep='\n')
    pairs = np.array([hard[:2] for hard in trained if len(hard) > 1])
    if len(pairs) > BEST:
        within = np.sqrt(np.mean((pairs[:, 0] - pairs[:, 1]) ** 2) / 2)
        numbers = np.random.default_rng(seed).integers(len(pairs), size=(RESAMPLES, len(pairs)))
        resampled = interval(float(spearmanr(*pairs[n].T)[0]) for n in numbers)
        print(
            f'\n{len(pairs)} archs trained twice: Spearman of one training with the other '
            f'{spearmanr(*pairs.T)[0]:+.2f} ({resampled}), standard deviation of hard AP between '
            f'trainings of an arch {100 * within:.2f}'
        )
