"""Trying cases until one fails, and making that one small."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from tests.abuse.case import Case
from tests.abuse.client import Client
from tests.abuse.verdict import Verdict, judge

SHRINKS = 12
"""Runs that go into making the first case of a fault smaller."""


class FaultError(Exception):
    """Tells hypothesis of a fault; each has a class of its own, so that it is not taken for another."""


@dataclass
class Found:
    """A fault, by the smallest case that shows it."""

    verdict: Verdict
    case: Case
    log: str
    times: int = 0


@dataclass
class Hunt:
    """Runs cases and keeps count.

    Args:
        client: runs them.
        folder: where they are prepared.
        shrinks: see :data:`SHRINKS`.

    Attributes:
        counts: verdicts and what was tried, by strategy.
        faults: what was found, by its verdict as text.
    """

    client: Client
    folder: Path
    shrinks: int = SHRINKS
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    tried: dict[str, Counter[str]] = field(default_factory=dict)
    faults: dict[str, Found] = field(default_factory=dict)
    _classes: dict[str, type[FaultError]] = field(default_factory=dict)

    def run(self, case: Case, material: Path) -> tuple[Verdict, str]:
        """The verdict on a case, and what it printed to the standard error."""
        case.prepare(material, self.folder)
        outcome = self.client.run(case.script, case.arguments, self.folder)
        verdict = judge(case, outcome, self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        return verdict, outcome.stderr

    def go(
        self, name: str, cases: SearchStrategy[Case], material: Path, number: int, start: int
    ) -> None:
        """Try ``number`` cases of a strategy.

        Args:
            name: of the strategy.
            cases: the strategy.
            material: what its cases are copies of.
            number: how many; a few more to make failing ones smaller.
            start: seed.
        """
        counts, tried = (
            self.counts.setdefault(name, Counter()),
            self.tried.setdefault(name, Counter()),
        )
        known = set(self.faults)
        verdicts: dict[str, tuple[Verdict, str]] = {}
        left = self.shrinks

        @seed(start)
        @settings(
            max_examples=number,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        )
        @given(cases)
        def attempt(case: Case) -> None:
            nonlocal left
            text = case.to_json()
            if text not in verdicts:
                if set(self.faults) - known:
                    left -= 1
                    if left < 0:
                        return
                verdict, log = verdicts[text] = self.run(case, material)
                counts[verdict.kind] += 1
                tried[case.what] += 1
                if verdict.is_fault:
                    self.faults.setdefault(str(verdict), Found(verdict, case, log)).times += 1
            verdict, log = verdicts[text]
            if verdict.is_fault and str(verdict) not in known:
                # The last one that hypothesis asks for is the smallest.
                found = self.faults[str(verdict)]
                found.case, found.log = case, log
                raise self._class(str(verdict))

        try:
            attempt()
        except BaseException as error:
            if not _is_fault(error):
                raise

    def _class(self, name: str) -> type[FaultError]:
        word = re.sub(r'\W+', '_', name)
        return self._classes.setdefault(name, type(word, (FaultError,), {}))


def _is_fault(error: BaseException) -> bool:
    """Whether hypothesis reports faults only, of which several come as a group."""
    inner: tuple[Any, ...] = getattr(error, 'exceptions', ())
    return isinstance(error, FaultError) or (bool(inner) and all(map(_is_fault, inner)))
