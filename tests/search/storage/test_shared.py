"""What several processes write into one work dir, as each of them sees it."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from mmbfbox.errors import UserError
from mmbfbox.search.storage.candidates import read_candidates
from mmbfbox.search.storage.shared import SharedStorage

WORK_DIR = Path(__file__).resolve().parents[2] / 'data' / 'search_before' / 'work_dir'


def test_results_that_a_shared_folder_shows_late_are_waited_for(tmp_path: Path) -> None:
    indices = {candidate.index for candidate in read_candidates(WORK_DIR)}
    assert len(indices) == 7
    storage = SharedStorage(tmp_path)
    late = threading.Timer(
        0.3, shutil.copy, (WORK_DIR / 'candidates.jsonl', tmp_path / 'candidates.rank1.jsonl')
    )
    late.start()
    storage.wait_for(indices, patience=20)
    late.join()
    assert storage.final.keys() == indices


def test_results_that_never_come_end_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r'^2 results that other processes have written are not to be'
    ):
        SharedStorage(tmp_path).wait_for([0, 1], patience=0.1)
