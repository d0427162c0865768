"""The files that a search writes: what is written is read, and lines stay as they were."""

from __future__ import annotations

import json
from math import isnan, nan
from pathlib import Path

import pytest

from mmbfbox.artifacts.arch import ArchFile
from mmbfbox.artifacts.attention import Attention
from mmbfbox.artifacts.base import Artifact
from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.artifacts.latency import MeasuredLatency
from mmbfbox.artifacts.plan import Plan
from mmbfbox.artifacts.supernet_check import CheckedSubnet, SupernetCheck
from mmbfbox.errors import UserError
from tests.fixtures_search import SPACE, fake_candidates, identity

BEFORE = Path(__file__).resolve().parents[1] / 'data' / 'search_before'
ONE = fake_candidates(1)[0]
FILES = [
    identity(pruner=dict(keep=3), latency=dict(repeats=10)),
    Plan(10, 4, dict(params=3)),
    Attention(dict(p3=dict(mean=0.5, spread=0.1)), 80, 3),
    SupernetCheck((CheckedSubnet('cheapest', str(ONE.arch), ONE.scores, 5),)),
    ArchFile(SPACE.id, **ONE.arch.to_dict()),
    ONE,
    MeasuredLatency(ONE.arch, 2.5),
]


@pytest.mark.parametrize('file', FILES, ids=lambda file: type(file).__name__)
def test_what_is_written_is_read(file: Artifact, tmp_path: Path) -> None:
    file.write(tmp_path / 'file.json')
    assert type(file).read(tmp_path / 'file.json') == file


@pytest.mark.parametrize('name', ['undisturbed.jsonl', 'work_dir/candidates.jsonl'])
def test_lines_of_before_are_written_as_they_were(name: str) -> None:
    for line in (BEFORE / name).read_text().splitlines():
        assert Candidate.from_json(line, name).to_json() == line


def test_files_of_before_are_read() -> None:
    assert Plan.read(BEFORE / 'work_dir' / 'plan.json').wanted == 16
    assert ArchFile.read(BEFORE / 'best_arch.json').space.hash == '5b64a5f98d4c'


def test_a_line_of_a_newer_version_is_refused() -> None:
    line = json.dumps(dict(ONE.to_plain(), schema=2))
    with pytest.raises(UserError, match='here is a scored candidate of schema 2.*update mmbfbox'):
        Candidate.from_json(line, 'here')


def test_what_could_not_be_measured_of_a_part_is_null_in_json() -> None:
    line = Candidate(0, ONE.arch, {}, 1, 2, 3, 0.1, parts=((4, nan), (8, 0.5))).to_json()
    assert json.loads(line)['parts'] == [[4, None], [8, 0.5]]
    for text in (line, line.replace('null', 'NaN')):
        first, second = Candidate.from_json(text, 'here').parts
        assert isnan(first[1]) and second == (8, 0.5)


def test_damaged_files_are_one_sentence_each(tmp_path: Path) -> None:
    for file in FILES:
        for text in ('', '[]', '{"schema": 1, "arch": 3}'):
            (tmp_path / 'x').write_text(text)
            with pytest.raises(UserError, match=f'x is damaged or not {type(file).KIND}'):
                type(file).read(tmp_path / 'x')
