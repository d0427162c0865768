"""What a config says about finalists: ``search.finalists``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from mmbfbox.errors import UserError
from mmbfbox.search.scoring.norm_statistics import KINDS
from mmbfbox.utils.settings import build_settings, is_number, is_whole


@dataclass(frozen=True)
class FinalistSettings:
    """How many networks are trained, and for how long.

    Args:
        best: candidates with the best scores. Defaults to 16.
        controls: networks drawn at random within the same constraints. Defaults to 4.
        baseline: config whose model is trained beside them; None for none.
        rungs: shares of a whole training after which the networks are compared; the last is 1.
        keep: how many go on after each rung but the last.
        repeats: how many are then trained whole again with another seed, how many of these with a third
            seed, and so on, by the mean over their trainings so far. None by default.
        iterations: of a whole training; that of the ``final_config`` by default, whose schedule is made
            shorter or longer in all its parts.
        seed: of weights and crops; all networks see the same crops.
        norm_statistics: which batch-norm statistics networks are scored with, see
            :class:`~mmbfbox.search.scoring.norm_statistics.NormStatistics`.
        options: what is changed in the ``final_config`` for finalists, dotted key to value.
        stored_gigabytes: disk space for the crops that all networks see, which are then rendered once, see
            :class:`~mmbfbox.datasets.StoredSamples`. 0, the default, renders them for each network.
        at_once: trainings that each process of the search runs side by side. On a CPU they divide its cores,
            on a GPU they share it. Defaults to 1.

    Raises:
        UserError: a value is out of range.

    Example:
        >>> FinalistSettings().iterations_of(1400)
        [156, 467, 1400]
    """

    best: int = 16
    controls: int = 4
    baseline: str | None = None
    rungs: tuple[float, ...] = (1 / 9, 1 / 3, 1)
    keep: tuple[int, ...] = (5, 2)
    repeats: tuple[int, ...] = ()
    iterations: int | None = None
    seed: int = 0
    norm_statistics: str = 'running'
    options: Mapping[str, Any] = field(default_factory=dict)
    stored_gigabytes: float = 0.0
    at_once: int = 1

    def __post_init__(self) -> None:
        for name in ('rungs', 'keep', 'repeats'):
            value = getattr(self, name)
            if not isinstance(value, (list, tuple)):
                raise _wrong(name, value, 'a list of numbers')
            object.__setattr__(self, name, tuple(value))
        whole = dict(best=1, controls=0, seed=0, iterations=1, at_once=1)
        for name, least in whole.items():
            value = getattr(self, name)
            if not (is_whole(value, least) or (name == 'iterations' and value is None)):
                raise _wrong(name, value, f'a whole number of {least} or more')
        if not (self.baseline is None or isinstance(self.baseline, str)):
            raise _wrong('baseline', self.baseline, 'the name of a config')
        if not isinstance(self.options, Mapping):
            raise _wrong(
                'options', self.options, 'dotted keys of the final_config and their values'
            )
        if not is_number(self.stored_gigabytes) or self.stored_gigabytes < 0:
            raise _wrong('stored_gigabytes', self.stored_gigabytes, 'a number of 0 or more')
        if self.norm_statistics not in KINDS:
            raise _wrong('norm_statistics', self.norm_statistics, f'one of {", ".join(KINDS)}')
        numbers = all(isinstance(share, (int, float)) for share in self.rungs)
        if (
            not numbers
            or not self.rungs
            or self.rungs[-1] != 1
            or self.rungs[0] <= 0
            or any(later <= earlier for earlier, later in pairwise(self.rungs))
        ):
            expected = 'growing shares of a training, the last of them 1, like [1/9, 1/3, 1]'
            raise _wrong('rungs', list(self.rungs), expected)
        trained = self.best + self.controls + (self.baseline is not None)
        if (
            len(self.keep) != len(self.rungs) - 1
            or not all(is_whole(number, 1) for number in self.keep)
            or any(after >= before for before, after in pairwise((trained, *self.keep)))
        ):
            expected = (
                f'for each rung but the last how many go on, fewer each time and fewer than the {trained} '
                f'networks that are trained'
            )
            raise _wrong('keep', list(self.keep), expected)
        left = (trained, *self.keep)[-1]
        if not all(is_whole(number, 1) for number in self.repeats) or any(
            after > before for before, after in pairwise((left, *self.repeats))
        ):
            expected = (
                f'how many networks are trained with each further seed, never more than before and at most '
                f'the {left} that come to the last rung, like [{min(left, 4)}, 1]'
            )
            raise _wrong('repeats', list(self.repeats), expected)

    @classmethod
    def build(cls, settings: Mapping[str, Any] | None) -> FinalistSettings | None:
        """From the config's ``search.finalists``; None if that is None.

        Raises:
            UserError: a key is unknown or out of range.
        """
        return build_settings(cls, 'search.finalists', settings)

    def check_candidates(self, candidates: int) -> None:
        """Check that there are enough candidates to choose from.

        Raises:
            UserError: there are not.
        """
        if self.best > candidates:
            raise UserError(
                f'search.finalists.best is {self.best}, and there are {candidates} candidates; ask for '
                f'more candidates or for fewer finalists'
            )

    def iterations_of(self, whole: int) -> list[int]:
        """Iterations of each rung, counted from the start.

        Args:
            whole: of a whole training.

        Raises:
            UserError: two rungs would be the same one, or one of no iteration.
        """
        rungs = [round(share * whole) for share in self.rungs]
        if rungs[0] < 1 or any(later <= earlier for earlier, later in pairwise(rungs)):
            raise UserError(
                f'a whole training of {whole} iterations is too short for the rungs '
                f'{", ".join(map(str, rungs))}; raise search.finalists.iterations'
            )
        return rungs


def _wrong(name: str, value: Any, expected: str) -> UserError:
    return UserError(f'search.finalists.{name} is {value!r}, expected {expected}; correct it')
