"""metrics.json: what a test found."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mmbfbox.artifacts.base import Artifact
from mmbfbox.artifacts.numbers import from_json_numbers, to_json_numbers
from mmbfbox.artifacts.test_settings import TestSettings

_LEVEL = re.compile(r'(all|p\d+)/(.+)')


@dataclass(frozen=True)
class Metrics(Artifact):
    """The results of ``tools/test.py``.

    Attributes:
        scores: like ``wider/hard``, as fractions (``fddb/faces`` is a count); NaN for a subset without
            faces, which the file holds as null.
        levels: for each pyramid level (``p2``, ...) the scores of a detector with only this level.
        settings: how the detector was tested; None in files of the first versions.

    Example:
        >>> Metrics.of_results({'all/wider/hard': 0.5, 'p2/wider/hard': 0.25}, None)
        Metrics(scores={'wider/hard': 0.5}, levels={'p2': {'wider/hard': 0.25}}, settings=None)
    """

    SCHEMA: ClassVar[int] = 2
    KIND: ClassVar[str] = 'the results of a test'
    ADVICE: ClassVar[str] = 'give the metrics.json that tools/test.py wrote'

    scores: dict[str, float]
    levels: dict[str, dict[str, float]] = field(default_factory=dict)
    settings: TestSettings | None = None

    @classmethod
    def of_results(cls, results: Mapping[str, Any], settings: TestSettings | None) -> Metrics:
        """From what mmengine's evaluator returns, with ``all/`` and ``p2/`` of a test by levels.

        Raises:
            ValueError: a result is no number.
        """
        scores: dict[str, float] = {}
        levels: dict[str, dict[str, float]] = {}
        for name, value in from_json_numbers(results).items():
            level = _LEVEL.fullmatch(name)
            if level is None:
                scores[name] = value
            elif level[1] == 'all':
                scores[level[2]] = value
            else:
                levels.setdefault(level[1], {})[level[2]] = value
        return cls(scores, levels, settings)

    def short_scores(self) -> dict[str, float]:
        """The scores without the benchmark's name: ``hard`` for ``wider/hard``."""
        return {name.rpartition('/')[2]: value for name, value in self.scores.items()}

    def to_plain(self) -> dict[str, Any]:
        """With null for NaN; levels and settings only where there are any."""
        plain: dict[str, Any] = {'scores': to_json_numbers(self.scores)}
        if self.levels:
            plain['levels'] = {name: to_json_numbers(rows) for name, rows in self.levels.items()}
        if self.settings is not None:
            plain['settings'] = self.settings.to_plain()
        return plain

    @classmethod
    def from_plain(cls, data: dict[str, Any]) -> Metrics:
        """From the fields of a file."""
        settings = data.get('settings')
        return cls(
            from_json_numbers(data['scores']),
            {name: from_json_numbers(rows) for name, rows in data.get('levels', {}).items()},
            None if settings is None else TestSettings(**settings),
        )

    @classmethod
    def upgrade(cls, data: dict[str, Any], schema: int) -> dict[str, Any]:
        """Schema 1 had the scores of all levels and the settings side by side."""
        settings = data.pop('settings', None)
        if not data:
            raise ValueError('it has no results')
        old = cls.of_results(data, None if settings is None else TestSettings(**settings))
        return {'scores': old.scores, 'levels': old.levels, 'settings': settings}
