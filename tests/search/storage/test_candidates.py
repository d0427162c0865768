"""Result files: what survives kills, full disks and damage, and how several files become one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mmbfbox.errors import UserError
from mmbfbox.search import Candidate, CandidatesFile
from mmbfbox.search.storage.candidates import read_candidates, read_work_dir
from mmbfbox.space import Arch
from tests.fixtures_search import identity

ARCH = Arch.parse('c2: conv3\nc3: dw5\np2 = c2 + c3')
ONE = Candidate(0, ARCH, dict(easy=0.5, medium=0.25, hard=0.125), 3, 4, 5, 0.5)


def test_lines_of_earlier_versions_are_read_and_written_unchanged():
    line = (
        '{"index": 1, "arch": {"stages": [["conv5"], ["dw3"]], "merges": ["p2 = c2 + c3"]}, '
        '"scores": {"easy": 0.1, "medium": 0.2, "hard": 0.3}, "backbone_macs": 6, '
        '"detector_macs": 7, "params": 8, "seconds": 0.9}'
    )
    candidate = Candidate.from_json(line, 'here')
    assert candidate.complete and candidate.scores['hard'] == 0.3
    assert candidate.to_json() == line


def test_everything_that_a_candidate_can_hold_is_read_back():
    stopped = replace(ONE, parts=((50, 0.1), (100, 0.2)), stopped=100, latency_ms=3.5)
    failed = replace(ONE, scores={}, error='it broke')
    for candidate in (stopped, failed):
        assert Candidate.from_json(candidate.to_json(), 'here') == candidate
        assert not candidate.complete


@pytest.mark.parametrize('damage', [b'{"index": 1', b'\x00\x00\x00\n', b'{"index": 1}\n'])
def test_a_damaged_last_line_is_left_out_and_removed_before_the_next_one(tmp_path, damage):
    file = CandidatesFile(tmp_path / 'candidates.jsonl')
    file.append(ONE)
    good = file.path.read_bytes()
    file.path.write_bytes(good + damage)
    assert file.read() == [ONE]
    assert file.path.read_bytes() == good + damage
    file.repair()
    assert file.path.read_bytes() == good
    file.repair()
    file.append(replace(ONE, index=1))
    assert [candidate.index for candidate in file.read()] == [0, 1]


def test_a_file_that_is_damaged_altogether_or_empty_is_repaired_too(tmp_path):
    file = CandidatesFile(tmp_path / 'candidates.jsonl')
    for content in (b'', b'rubbish', b'rubbish\n'):
        file.path.write_bytes(content)
        file.repair()
        assert file.path.read_bytes() == b''


def test_a_full_disk_is_one_sentence_and_leaves_whole_lines(tmp_path, monkeypatch):
    file = CandidatesFile(tmp_path / 'candidates.jsonl')
    file.append(ONE)
    good = file.path.read_bytes()

    def full(handle):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('mmbfbox.search.storage.candidates.os.fsync', full)
    with pytest.raises(UserError, match='No space left on device; make room and run again'):
        file.append(ONE)
    assert file.path.read_bytes() == good


def test_files_of_several_processes_become_one_list_and_complete_scores_win(tmp_path):
    stopped = replace(ONE, index=2, stopped=50)
    failed = replace(ONE, index=1, scores={}, error='it broke')
    first = CandidatesFile(tmp_path / 'candidates.jsonl')
    second = CandidatesFile(tmp_path / 'candidates.rank1.jsonl')
    for candidate in (replace(ONE, index=2), failed):
        first.append(candidate)
    for candidate in (stopped, ONE, failed):
        second.append(candidate)
    assert read_candidates(tmp_path) == [ONE, failed, replace(ONE, index=2)]


def test_a_work_dir_is_read_with_its_header(tmp_path):
    with pytest.raises(UserError, match='there is no search'):
        read_work_dir(tmp_path)
    identity(seed=3).write(tmp_path / 'search.json')
    assert read_work_dir(tmp_path) == (identity(seed=3), [])
    (tmp_path / 'search.json').write_text('{')
    with pytest.raises(UserError, match='damaged'):
        read_work_dir(tmp_path)
