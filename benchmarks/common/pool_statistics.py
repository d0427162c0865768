"""What the records of a pool say: noise, reliability, agreement of orders, and the regret of a pick."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f as f_distribution
from scipy.stats import kendalltau

from mmbfbox.errors import UserError

Floats = NDArray[np.float64]

RESAMPLES = 2000


@dataclass(frozen=True)
class Measured:
    """Networks of a factorial that were trained, some several times.

    Attributes:
        names: of the networks.
        backbones, topologies: ``(N,)`` numbers of their parts.
        values: the scores of each network, one a seed.
        fitted: effects that were taken out of them.
    """

    names: tuple[str, ...]
    backbones: NDArray[np.int64]
    topologies: NDArray[np.int64]
    values: tuple[Floats, ...]
    fitted: int = 0

    @property
    def means(self) -> Floats:
        """``(N,)`` mean over the seeds."""
        return np.array([values.mean() for values in self.values])

    @property
    def counts(self) -> Floats:
        """``(N,)`` how many seeds."""
        return np.array([float(len(values)) for values in self.values])

    @property
    def seeds(self) -> float:
        """Seeds that every network would need for means that are as noisy as these (harmonic mean)."""
        return 1 / float(np.mean(1 / self.counts))


def without_common_effects(
    values: Sequence[Mapping[Any, float]],
) -> tuple[tuple[Floats, ...], int]:
    """Scores without what a seed on one machine does to all networks alike.

    All networks see the same crops with one seed, and were trained from other copies of the images on another
    machine. That makes no difference between networks, but would count as noise, and against those that lack
    it. Networks and what they share are fitted additively by least squares.

    Args:
        values: of each network, by what it shares with others, like a seed.

    Returns:
        The same scores in the same order, each less the effect of what it shares; their mean stays. And how
        many effects were fitted, which are no freedom of the noise any more.
    """
    shared = list(dict.fromkeys(key for of_keys in values for key in of_keys))
    rows = [(n, shared.index(key)) for n, of_keys in enumerate(values) for key in of_keys]
    scores = np.array([value for of_keys in values for value in of_keys.values()])
    design = np.zeros((len(rows), len(values) + len(shared)))
    for place, (network, key) in enumerate(rows):
        design[place, [network, len(values) + key]] = 1
    effects, _, rank, _ = np.linalg.lstsq(design, scores, rcond=None)
    of_rows = effects[len(values) :][[key for _, key in rows]]
    left = scores - (of_rows - of_rows.mean())
    ends = np.cumsum([len(of_keys) for of_keys in values])[:-1]
    return tuple(np.split(left, ends)), int(rank) - len(values)


@dataclass(frozen=True)
class Noise:
    """Variances of a score.

    Attributes:
        seeds: between trainings of one network.
        freedom: degrees of freedom of it.
        networks: between networks, without that of the seeds.
    """

    seeds: float
    freedom: int
    networks: float

    @property
    def reliability(self) -> float:
        """Of one training: the share of the differences between networks that is no noise."""
        return self.of(1)

    def of(self, seeds: float) -> float:
        """Reliability of the mean of so many trainings."""
        whole = self.networks + self.seeds / seeds
        return self.networks / whole if whole > 0 else 0.0

    @property
    def ceiling(self) -> float:
        """Kendall's tau between two trainings of all networks, of normal scores."""
        return tau_of_correlation(self.reliability)


def noise_of(measured: Measured) -> Noise:
    """Variances between networks and between seeds.

    Raises:
        UserError: there are too few networks, or none has two seeds.
    """
    repeated = [values for values in measured.values if len(values) > 1]
    if len(measured.values) < 2 or not repeated:
        raise UserError(
            f'{len(measured.values)} networks have records and {len(repeated)} of them a second seed, at '
            'least two and one are needed; run benchmarks/pool/train.py --data DATA first'
        )
    freedom = sum(len(values) - 1 for values in repeated) - measured.fitted
    seeds = sum(float(np.sum((values - values.mean()) ** 2)) for values in repeated) / freedom
    between = float(np.var(measured.means, ddof=1)) - seeds * float(np.mean(1 / measured.counts))
    return Noise(seeds, freedom, max(0.0, between))


@dataclass(frozen=True)
class Parts:
    """A two-way analysis of variance with one network a cell.

    Attributes:
        backbone, topology, interaction: variances.
        f: mean square of the interaction by that of the seeds.
        p: probability of such an F without any interaction.
    """

    backbone: float
    topology: float
    interaction: float
    f: float
    p: float


def parts_of(measured: Measured, noise: Noise) -> Parts | None:
    """Variance of backbones, topologies and their interaction; None where a cell is missing."""
    rows, columns = int(measured.backbones.max()) + 1, int(measured.topologies.max()) + 1
    if len(measured.names) != rows * columns or min(rows, columns) < 2:
        return None
    table, counts = np.zeros((2, rows, columns))
    table[measured.backbones, measured.topologies] = measured.means
    counts[measured.backbones, measured.topologies] = measured.counts
    overall = table.mean()
    by_row, by_column = table.mean(1) - overall, table.mean(0) - overall
    left = table - overall - by_row[:, None] - by_column
    freedom = (rows - 1) * (columns - 1)
    square = float(np.sum(left**2)) / freedom
    # What the seeds' noise alone would leave in a cell.
    of_seeds = noise.seeds * float(np.mean(1 / counts))
    f = square / of_seeds if of_seeds else math.inf
    return Parts(
        backbone=max(0.0, float(np.var(by_row, ddof=1)) - square / columns),
        topology=max(0.0, float(np.var(by_column, ddof=1)) - square / rows),
        interaction=max(0.0, square - of_seeds),
        f=f,
        p=float(f_distribution.sf(f, freedom, noise.freedom)),
    )


def tau(first: Floats, second: Floats) -> float:
    """Kendall's tau; 0 where one side has no order."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        found = float(kendalltau(first, second)[0])
    return 0.0 if math.isnan(found) else found


def tau_of_correlation(correlation: float) -> float:
    """Kendall's tau of normal numbers with a correlation."""
    return 2 / math.pi * math.asin(min(1.0, max(-1.0, correlation)))


def corrected_tau(observed: float, reliability: float) -> float:
    """Tau with the true order, from that with an order of a reliability (of normal numbers).

    Noise of the seeds lowers the correlation by the root of the reliability.

    Example:
        >>> round(corrected_tau(0.403, 0.7), 2)
        0.5
    """
    correlation = math.sin(math.pi / 2 * observed)
    return tau_of_correlation(correlation / math.sqrt(reliability)) if reliability > 0 else 0.0


def tau_interval(
    score: Floats,
    truth: Floats,
    clusters: NDArray[np.int64],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[float, float]:
    """The middle 95 % of tau over resamples of the backbones, whose networks are alike."""
    random = np.random.default_rng(seed)
    groups = [np.flatnonzero(clusters == number) for number in np.unique(clusters)]
    found = []
    for _ in range(resamples):
        chosen = np.concatenate([groups[i] for i in random.integers(len(groups), size=len(groups))])
        found.append(tau(score[chosen], truth[chosen]))
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


Pick = Callable[[np.random.Generator, Floats], int]
"""Takes random numbers and the results (S, N) of S trainings of each network, gives the network that a method
picks."""

REPEATED = ((4, 2, 2), (8, 4, 2, 2))
"""How many networks are trained with the first seed, with the second, and so on."""

TRAININGS = max(map(len, REPEATED))
"""Of each network that a method may use."""


def regrets(
    picks: Mapping[str, Pick], measured: Measured, noise: Noise,
    draws: int = RESAMPLES, seed: int = 0,
) -> dict[str, Floats]:  # fmt: skip
    """How much worse than the pool's best the pick of each method is, over what the records leave open.

    The best *measured* network is lucky, too. So true scores are drawn from what is known after the
    records (normal, shrunk to the mean by the reliability of each network's mean), then some trainings of
    each network from the seeds' noise around them; all methods pick in the same draws.

    Args:
        picks: of each method.
        measured: the records.
        noise: of them.
        draws: how often.
        seed: of the draws.

    Returns:
        ``(draws,)`` for each method, in the unit of the scores.
    """
    random = np.random.default_rng(seed)
    trust = np.array([noise.of(count) for count in measured.counts])
    middle = float(measured.means.mean())
    expected = middle + trust * (measured.means - middle)
    deviation = np.sqrt(noise.networks * (1 - trust))
    found: dict[str, list[float]] = {name: [] for name in picks}
    for number in range(draws):
        truth = expected + deviation * random.normal(size=len(expected))
        trained = truth + math.sqrt(noise.seeds) * random.normal(size=(TRAININGS, len(expected)))
        for name, pick in picks.items():
            chosen = pick(np.random.default_rng((seed, number)), trained)
            found[name].append(float(truth.max() - truth[chosen]))
    return {name: np.array(values) for name, values in found.items()}


def best_of(score: Floats) -> Pick:
    """The method that takes the best by a score, without training anything."""
    best = int(np.argmax(score))
    return lambda random, trained: best


def best_trained(score: Floats, number: int) -> Pick:
    """The method that trains the best by a score, and takes the best of them."""
    chosen = np.argsort(-score, kind='stable')[:number]
    return lambda random, trained: int(chosen[np.argmax(trained[0, chosen])])


def repeated(score: Floats | None, sizes: Sequence[int]) -> Pick:
    """The method that trains the best by a score, and the better ones of them with further seeds.

    Args:
        score: that chooses the first ones; None draws them.
        sizes: how many are trained with the first seed, with the second, and so on; the mean over the seeds
            decides.

    Raises:
        UserError: there are more seeds than :data:`TRAININGS`.
    """
    if len(sizes) > TRAININGS:
        raise UserError(
            f'{len(sizes)} seeds are asked for, and {TRAININGS} are drawn; raise TRAININGS'
        )
    order = None if score is None else np.argsort(-score, kind='stable')

    def pick(random: np.random.Generator, trained: Floats) -> int:
        left = (random.permutation(trained.shape[1]) if order is None else order)[: sizes[0]]
        for seeds, size in enumerate((*sizes[1:], 1), 1):
            means = trained[:seeds, left].mean(0)
            left = left[np.argsort(-means, kind='stable')][:size]
        return int(left[0])

    return pick


def random_trained(number: int) -> Pick:
    """The method that trains random networks, and takes the best of them."""

    def pick(random: np.random.Generator, trained: Floats) -> int:
        chosen = random.permutation(trained.shape[1])[:number]
        return int(chosen[np.argmax(trained[0, chosen])])

    return pick


def halving(score: Floats, rungs: Sequence[Floats], sizes: Sequence[int]) -> Pick:
    """The method of finalists: the best by a score, fewer after each rung, the last ones trained.

    Args:
        score: that chooses the first ones.
        rungs: what each rung but the last shows of each network, more is better.
        sizes: how many begin each rung.
    """
    left = np.argsort(-score, kind='stable')[: sizes[0]]
    for shown, size in zip(rungs, sizes[1:], strict=True):
        left = left[np.argsort(-shown[left], kind='stable')][:size]
    return lambda random, trained: int(left[np.argmax(trained[0, left])])


def cost_of_halving(sizes: Sequence[int], shares: Sequence[float]) -> float:
    """Whole trainings that a halving takes.

    Args:
        sizes: how many begin each rung.
        shares: of a whole training, after which each rung ends; the last is 1.

    Example:
        >>> round(cost_of_halving([18, 9, 2], [1 / 9, 1 / 3, 1]), 2)
        5.33
    """
    steps = np.diff([0.0, *shares])
    return float(np.dot(sizes, steps))


def seeds_to_tell(difference: float, deviation: float) -> float:
    """Runs of each of two methods that show a difference in 4 of 5 cases, at a level of 5 %.

    Args:
        difference: of their means.
        deviation: of one run.
    """
    if difference == 0:
        return math.inf
    return math.ceil(2 * ((1.96 + 0.84) * deviation / difference) ** 2)


def two_step(score: Floats, measured: Measured, fixed: int) -> int:
    """The pick of a search for the backbone under one topology, then for the topology on this backbone."""
    table = _table(score, measured)
    backbone = int(np.argmax(table[:, fixed]))
    return _place(measured, backbone, int(np.argmax(table[backbone])))


def intuitive(score: Floats, measured: Measured, backbone: int, topology: int) -> int:
    """The pick that joins the best backbone under one topology with the best topology on one backbone."""
    table = _table(score, measured)
    return _place(measured, int(np.argmax(table[:, topology])), int(np.argmax(table[backbone])))


def _table(score: Floats, measured: Measured) -> Floats:
    table = np.full((measured.backbones.max() + 1, measured.topologies.max() + 1), -np.inf)
    table[measured.backbones, measured.topologies] = score
    return table


def _place(measured: Measured, backbone: int, topology: int) -> int:
    same: Any = (measured.backbones == backbone) & (measured.topologies == topology)
    return int(np.flatnonzero(same)[0])
