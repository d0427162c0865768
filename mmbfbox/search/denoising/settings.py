"""What a config says about the score: ``search.score``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine import Config

from mmbfbox.errors import UserError
from mmbfbox.search.zero_cost.scores import ZERO_COST
from mmbfbox.utils.settings import build_settings, check_whole

METRICS = ('easy', 'medium', 'hard', 'mean')

_CHECKPOINT = re.compile(r'(.*?)(\d+)\.pth')


@dataclass(frozen=True)
class ScoreSettings:
    """How noise is taken out of the scores.

    Args:
        resamples: of the images, for the standard error of AP. Defaults to 200.
        checkpoints: of the supernet's training, the given one and those before it, whose scores are
            averaged. Defaults to 1.
        zero_cost: names of zero-cost scores that are computed for each candidate, columns of the report
            and of the fit.

    Raises:
        UserError: a value is out of range.
    """

    resamples: int = 200
    checkpoints: int = 1
    zero_cost: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, least in (('resamples', 2), ('checkpoints', 1)):
            check_whole(f'search.score.{name}', getattr(self, name), least)
        names = self.zero_cost if isinstance(self.zero_cost, (list, tuple)) else [None]
        if not all(name in list(ZERO_COST) for name in names):
            raise UserError(
                f'search.score.zero_cost is {self.zero_cost!r}, expected a list of some of '
                f'{", ".join(ZERO_COST)}'
            )
        object.__setattr__(self, 'zero_cost', tuple(self.zero_cost))

    @classmethod
    def build(cls, settings: Mapping[str, Any] | None) -> ScoreSettings | None:
        """From the config's ``search.score``; None if that is None: raw scores.

        Raises:
            UserError: a key is unknown or out of range.
        """
        return build_settings(cls, 'search.score', settings)

    def use(self, config: Config) -> None:
        """Let the WIDER FACE metric of a search config tell the noise, too; changed in place.

        Raises:
            UserError: the config has no such metric.
        """
        evaluators = config.held_out_evaluator
        metrics: list[Any] = [evaluators] if isinstance(evaluators, Mapping) else list(evaluators)
        found = [metric for metric in metrics if metric['type'] == 'WiderFaceMetric']
        if not found:
            raise UserError(
                'search.score needs a WiderFaceMetric as held_out_evaluator; give one, or search.score=None'
            )
        for metric in found:
            metric['resamples'] = self.resamples


def check_metric(metric: object, score: ScoreSettings | None) -> None:
    """Check the score that orders candidates.

    Raises:
        UserError: it is none, or not measured.
    """
    if metric not in METRICS:
        raise UserError(f'search.metric is {metric!r}, expected easy, medium, hard or mean')
    if metric == 'mean' and score is None:
        raise UserError("search.metric='mean' needs search.score=dict(), which measures it")


def last_checkpoints(path: str | Path, number: int) -> list[Path]:
    """A checkpoint and those that the same training wrote before, the last first.

    Args:
        path: like ``iter_1200.pth``.
        number: how many.

    Raises:
        UserError: there are fewer in its folder.
    """
    path = Path(path)
    named = _CHECKPOINT.fullmatch(path.name)
    earlier: list[tuple[int, Path]] = []
    for other in path.parent.glob('*.pth') if named else ():
        match = _CHECKPOINT.fullmatch(other.name)
        if match and named and match[1] == named[1] and int(match[2]) < int(named[2]):
            earlier.append((int(match[2]), other))
    found = [path, *(other for _, other in sorted(earlier, reverse=True))]
    if len(found) < number:
        raise UserError(
            f'search.score.checkpoints is {number}, and {path.parent} has {len(found)} up to {path.name}; '
            'ask for fewer, or train with default_hooks.checkpoint.max_keep_ckpts as large'
        )
    return found[:number]
