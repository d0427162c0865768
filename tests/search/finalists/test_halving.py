"""Successive halving: who goes on, how often the best one wins, and what a config may ask for."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from scipy.stats import binom, norm

from mmbfbox.errors import UserError
from mmbfbox.search.finalists.halving import Outcome, best_first, mean_outcome, networks_of_round
from mmbfbox.search.finalists.settings import FinalistSettings

NAMES = [f'network {number}' for number in range(21)]
KEEP = (5, 2)


def winner(qualities: dict[str, float], noise: tuple[float, ...], random) -> str:
    """The network that wins when each rung shows the qualities with noise."""
    outcomes: list[dict[str, Outcome]] = []
    for spread in noise:
        names = networks_of_round(NAMES, outcomes, KEEP)
        outcomes.append(
            {name: Outcome(qualities[name] + random.normal(0, spread)) for name in names}
        )
    return best_first(outcomes[-1])[0]


def test_the_best_network_wins_as_often_as_is_to_be_expected():
    """One is better by two units than twenty equal ones; noise falls from rung to rung.

    It survives a rung if at most keep - 1 of the others are above it, which is a binomial tail, averaged
    over what it shows itself.
    """
    noise, lead = (1.5, 1.2, 0.8), 2.0
    others, left = (20, 4, 1), (5, 2, 1)
    grid = np.linspace(-6, 6, 4001)
    weights = norm.pdf(grid) / norm.pdf(grid).sum()
    predicted = 1.0
    for spread, rivals, keep in zip(noise, others, left, strict=True):
        above = norm.sf(grid + lead / spread)
        predicted *= float((binom.cdf(keep - 1, rivals, above) * weights).sum())
    assert 0.5 < predicted < 0.9
    qualities = dict.fromkeys(NAMES, 0.0) | {NAMES[13]: lead}
    trials = 2000
    random = np.random.default_rng(0)
    wins = sum(winner(qualities, noise, random) == NAMES[13] for _ in range(trials))
    assert wins / trials == pytest.approx(predicted, abs=3 * sqrt(0.25 / trials))


def test_further_seeds_for_the_best_pay_more_than_further_networks_where_seeds_decide():
    """Sixteen trainings each: of 16 networks, or of 8 of them, 4 again, 2 again and 2 again."""
    random, trials, means = np.random.default_rng(0), 2000, {'networks': 0.0, 'seeds': 0.0}
    for _ in range(trials):
        qualities = random.normal(size=16)
        seen = qualities[:, None] + 1.25 * random.normal(size=(16, 4))
        means['networks'] += qualities[np.argmax(seen[:, 0])] / trials
        outcomes: list[dict[str, Outcome]] = []
        for seeds, goes_on in enumerate((8, 4, 2, 2), 1):
            names = networks_of_round(NAMES[:8], outcomes, (4, 2, 2))
            assert len(names) == goes_on
            of_seeds = {name: seen[NAMES.index(name), :seeds] for name in names}
            outcomes.append(
                {n: mean_outcome([Outcome(one) for one in each]) for n, each in of_seeds.items()}
            )
        means['seeds'] += qualities[NAMES.index(best_first(outcomes[-1])[0])] / trials
    assert means['seeds'] > means['networks']


def test_without_noise_the_best_networks_go_on_in_their_order():
    first = {name: Outcome(number / 100) for number, name in enumerate(NAMES)}
    assert networks_of_round(NAMES, [], KEEP) == NAMES
    assert networks_of_round(NAMES, [first], KEEP) == NAMES[:15:-1]
    second = {name: first[name] for name in NAMES[:15:-1]}
    assert networks_of_round(NAMES, [first, second], KEEP) == [NAMES[20], NAMES[19]]


def test_equal_scores_are_decided_by_the_loss_and_lost_trainings_never_go_on():
    outcomes = {name: Outcome(0.1, 2.0) for name in NAMES}
    outcomes |= {NAMES[7]: Outcome(0.1, 1.5), NAMES[0]: Outcome(None), NAMES[1]: Outcome(None)}
    kept = [NAMES[7], *NAMES[2:6]]
    assert networks_of_round(NAMES, [outcomes], KEEP) == kept
    lost = dict.fromkeys(kept, Outcome(None)) | {NAMES[3]: Outcome(0.2)}
    assert networks_of_round(NAMES, [outcomes, lost], KEEP) == [NAMES[3]]
    assert networks_of_round(NAMES, [outcomes, dict.fromkeys(kept, Outcome(None))], KEEP) == []


@pytest.mark.parametrize(
    ('keys', 'sentence'),
    [
        (dict(best=0), 'search.finalists.best is 0, expected a whole number of 1 or more'),
        (dict(controls=-1), 'controls is -1, expected a whole number of 0 or more'),
        (dict(iterations=0), 'iterations is 0, expected a whole number of 1 or more'),
        (dict(keep=[5]), r'keep is \[5\], expected for each rung but the last'),
        (dict(keep=[20, 2]), 'fewer than the 20 networks that are trained'),
        (dict(keep=[5, 5]), 'fewer each time'),
        (dict(keep=5), 'keep is 5, expected a list'),
        (dict(repeats=3), 'repeats is 3, expected a list'),
        (
            dict(repeats=[3]),
            r'repeats is \[3\], expected how many .* at most the 2 that come to the last',
        ),
        (dict(repeats=[1, 2]), 'never more than before'),
        (dict(repeats=[2, 0]), r'repeats is \[2, 0\], expected how many networks'),
        (dict(rungs=[0.5, 0.3, 1]), 'expected growing shares of a training'),
        (dict(rungs=[0.3, 0.5, 0.9]), 'the last of them 1'),
        (dict(norm_statistics='mine'), 'expected one of running, crops, images'),
        (dict(baseline=3), 'expected the name of a config'),
        (dict(options=3), 'expected dotted keys'),
        (dict(control=3), "has the key 'control'; did you mean controls"),
    ],
)
def test_what_a_config_gets_wrong_is_one_sentence(keys, sentence):
    with pytest.raises(UserError, match=sentence):
        FinalistSettings.build(keys)


def test_too_few_candidates_and_too_short_a_training_are_one_sentence():
    settings = FinalistSettings()
    with pytest.raises(UserError, match='best is 16, and there are 12 candidates'):
        settings.check_candidates(12)
    with pytest.raises(UserError, match='4 iterations is too short for the rungs 0, 1, 4'):
        settings.iterations_of(4)
    assert FinalistSettings.build(None) is None
    with pytest.raises(
        UserError, match='search.finalists is 16, expected a dict with keys of best, controls'
    ):
        FinalistSettings.build(16)
