"""summary.json: what ``tools/evaluate.py`` found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from mmbfbox.artifacts.base import Artifact
from mmbfbox.artifacts.numbers import from_json_numbers, to_json_numbers


@dataclass(frozen=True)
class EvaluationSummary(Artifact):
    """The results of one evaluation.

    Attributes:
        settings: what was asked for: benchmark, predictions, ground truth and the like.
        results: for each detector, the main one first, its rates by name: fractions, and counts of
            faces; NaN, null in the file, where there are none.
        tested_at: for each detector that tells it, how it was tested, in words.
    """

    SCHEMA: ClassVar[int] = 2
    KIND: ClassVar[str] = 'the summary of an evaluation'
    ADVICE: ClassVar[str] = 'run tools/evaluate.py again'

    settings: dict[str, Any]
    results: dict[str, dict[str, float]]
    tested_at: dict[str, str] = field(default_factory=dict)

    def to_plain(self) -> dict[str, Any]:
        """With null for NaN."""
        rows = {name: to_json_numbers(row) for name, row in self.results.items()}
        return {'settings': self.settings, 'tested_at': self.tested_at, 'results': rows}

    @classmethod
    def from_plain(cls, data: dict[str, Any]) -> EvaluationSummary:
        """From the fields of a file."""
        rows = {name: from_json_numbers(row) for name, row in data['results'].items()}
        return cls(data['settings'], rows, data.get('tested_at', {}))

    @classmethod
    def upgrade(cls, data: dict[str, Any], schema: int) -> dict[str, Any]:
        """Schema 1 wrote the name of one key with a blank."""
        return {
            **{k: v for k, v in data.items() if k != 'tested at'},
            'tested_at': data.get('tested at', {}),
        }
