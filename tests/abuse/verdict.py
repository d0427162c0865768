"""What an outcome is worth: it worked, it was refused in one sentence, or it is a fault."""

from __future__ import annotations

import json
import re
import signal
from dataclasses import dataclass
from pathlib import Path

from tests.abuse.case import REFUSE, WORK, Case
from tests.abuse.client import Outcome

WORKED, REFUSED = 'worked', 'refused in one sentence'
TRACEBACK, HANG, CRASH = 'traceback', 'hang', 'native crash'
HALF, UNCLEAR, IGNORED, STRICT = 'half-written', 'no single sentence', 'ignored', 'too strict'
FAULTS = (TRACEBACK, HANG, CRASH, HALF, UNCLEAR, IGNORED, STRICT)
_TRACEBACK = 'Traceback (most recent call last)'
_FRAME = re.compile(r'File "([^"]+)", line (\d+),? in (\S+)')
_TEMPORARY = re.compile(r'\..+-\w{8}(\.\w+)?')
_LONGEST = 1500


@dataclass(frozen=True)
class Verdict:
    """What a case came to.

    Args:
        kind: one of the words above.
        detail: of a fault: what tells it from other faults.
    """

    kind: str
    detail: str = ''

    @property
    def is_fault(self) -> bool:
        """Whether something has to be mended."""
        return self.kind in FAULTS

    def __str__(self) -> str:
        return f'{self.kind}: {self.detail}' if self.detail else self.kind


def judge(case: Case, outcome: Outcome, folder: Path) -> Verdict:
    """The verdict on a case that was run in ``folder``."""
    errors = [line for line in outcome.stderr.splitlines() if line.startswith('error: ')]
    if outcome.status is None:
        return Verdict(HANG, _where(outcome.stderr))
    if outcome.status < 0:
        name = signal.Signals(-outcome.status).name
        return Verdict(CRASH, f'{name} {_where(outcome.stderr)}')
    if _TRACEBACK in outcome.stderr:
        return Verdict(TRACEBACK, _raised(outcome.stderr))
    leftover = half_written(case, folder)
    if leftover:
        return Verdict(HALF, leftover)
    if outcome.status == 0:
        return Verdict(WORKED) if case.must != REFUSE else Verdict(IGNORED, case.what)
    last = outcome.stderr.strip().splitlines()[-1:]
    if outcome.status != 1 or len(errors) != 1 or last != errors or len(errors[0]) > _LONGEST:
        said = re.sub(r'[\d.]+', '#', ' '.join(last))[:80]
        return Verdict(UNCLEAR, f'exit code {outcome.status}, {len(errors)} sentences, {said!r}')
    if case.must == WORK:
        return Verdict(STRICT, re.sub(r'\S*/\S*|[\d.]+', '#', errors[0])[:100])
    return Verdict(REFUSED)


def half_written(case: Case, folder: Path) -> str:
    """Files that a program has left unfinished, or '' if there is none."""
    given = [change['path'] for change in case.changes]
    for path in sorted(folder.rglob('*')):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() or 'vis_data' in path.parts or name.startswith(tuple(given)):
            continue  # mmengine's own scalars are lines in a file that is called .json
        if _TEMPORARY.fullmatch(path.name):
            return f'temporary file {re.sub(r"-.{8}", "-#", path.name)}'
        if path.suffix == '.json' and not _is_json(path.read_text(errors='replace')):
            return f'{path.name} is no JSON'
        if path.suffix == '.jsonl':
            lines = path.read_text(errors='replace').split('\n')
            if lines[-1] or not all(map(_is_json, lines[:-1])):
                return f'{path.name} has a line that is no JSON'
    return ''


def _is_json(text: str) -> bool:
    """Whether any reader of JSON takes it: NaN and Infinity are none."""

    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        return False
    return True


def _where(text: str) -> str:
    """The innermost place of our own in what faulthandler wrote, which begins with the innermost."""
    own = [(file, name) for file, _, name in _FRAME.findall(text) if _is_own(file)]
    return _place(*own[0]) if own else 'in an unknown place'


def _raised(text: str) -> str:
    """Type of the last exception and the innermost place of our own that it came through."""
    last = text.rpartition(_TRACEBACK)[2]
    frames = _FRAME.findall(last)
    own = [(file, name) for file, _, name in frames if _is_own(file)]
    after = last[last.rindex(frames[-1][0]) :] if frames else last
    kinds = re.findall(r'^([\w.]+)(?::|$)', after, re.MULTILINE)
    kind = kinds[-1].rpartition('.')[2] if kinds else 'exception'
    place = _place(*own[-1]) if own else 'in an unknown place'
    library = frames[-1] if frames else ('', '', '')
    end = '' if not frames or _is_own(library[0]) else f', raised {_place(library[0], library[2])}'
    return f'{kind} {place}{end}'


def _is_own(file: str) -> bool:
    return bool(re.search(r'/(mmbfbox|tools)/[^"]*\.py$', file)) and 'site-packages' not in file


def _place(file: str, name: str) -> str:
    short = re.sub(r'.*/(?=(?:mmbfbox|tools|site-packages)/)', '', file)
    return f'in {short.removeprefix("site-packages/")}: {name}'
