"""A search without networks: scores from the arch's text."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from mmbfbox.search import Constraints, RandomSampler, SearchLoop
from mmbfbox.search.constraints import CostCounter
from mmbfbox.search.samplers import build_sampler
from mmbfbox.space import BackboneSpace, CostTable, FpnSpace, JointSpace
from tests.fixtures_search import identity

SPACE = JointSpace(
    BackboneSpace(
        4, (8, 8, 8), (2, 1, 1), 1, ('conv3', 'conv5', 'dw3', 'dw5'), ('conv3', 'dw3', 'dw5')
    ),
    FpnSpace((2, 3, 4), (2, 3)),
)
SMALL = JointSpace(
    BackboneSpace(4, (8, 8), (1, 1), 1, ('conv3', 'conv5', 'dw3'), ('conv3', 'dw5')),
    FpnSpace((2, 3), (2,)),
)
"""Six archs."""
PARTS = (10, 20, 30)


class TextScorer:
    """AP that depends on the arch alone, with noise on a part of the images.

    Args:
        seconds: time that a score takes.
        die_after: scores after which the process is stopped.
        fails: says which archs cannot be scored.
    """

    images = dict(held_out=['a'], recalibration=['b'])

    def __init__(self, seconds=0.0, die_after=None, fails=lambda arch: False) -> None:
        self.seconds, self.die_after, self.fails = seconds, die_after, fails
        self.scored = []

    def prepare(self, archs):
        return sorted(archs, key=str)

    def score(self, arch, keep=None):
        if len(self.scored) == self.die_after:
            raise KeyboardInterrupt
        if self.fails(arch):
            raise RuntimeError('it broke\nin detail')
        self.scored.append(arch)
        time.sleep(self.seconds)
        digits = hashlib.sha256(str(arch.canonical()).encode()).hexdigest()
        value = int(digits[:8], 16) / 2**32
        for number, images in enumerate(PARTS if keep else ()):
            early = value + 0.02 * (int(digits[8 + number], 16) / 15 - 0.5)
            scores = dict(easy=early, medium=early, hard=early)
            if not keep(images, scores):
                return scores
        return dict(easy=value, medium=value, hard=value)


def costs(space) -> CostCounter:
    return CostCounter(CostTable(space), CostTable(space, (64, 64)))


def make_search(
    folder, sampler=None, scorer=None, space=SPACE, constraints=None, searched=(), **keys
) -> SearchLoop:
    return SearchLoop(
        sampler or RandomSampler(space, 0),
        scorer or TextScorer(),
        costs(space),
        Constraints(constraints or {}),
        Path(folder),
        identity(space, **dict(searched)),
        **keys,
    )


def small(folder, scorer=None, constraints=None, space=SMALL, **keys) -> SearchLoop:
    """A random search of the six archs."""
    return make_search(folder, None, scorer, space, constraints, **keys)


def evolution(population, space=SPACE):
    settings = dict(type='evolution', population=population)
    return build_sampler(settings, space, 0, 'hard')


def results(candidates) -> dict[int, tuple]:
    """Everything of a search's results but the time that they took."""
    return {c.index: (str(c.arch), c.scores, c.stopped, c.error) for c in candidates}


def plain(candidates) -> list[tuple]:
    """The same, in the order in which they are given."""
    return list(results(candidates).items())
