"""LossGuardHook(action='skip') where only one of two processes has a bad loss."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from tests.engine.hooks.loss_guard_process import FIRST_BAD, PATIENCE
from tests.two_processes import run_in_two


def both(folder: Path, last: int) -> list[dict[str, Any]]:
    """What the two processes say whose loss is bad up to an iteration."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    run_in_two('tests.engine.hooks.loss_guard_process', port, folder, last)
    return [json.loads((folder / f'{rank}.json').read_text()) for rank in range(2)]


def test_a_loss_that_stays_bad_on_one_process_stops_both_at_the_same_iteration(tmp_path):
    first, second = both(tmp_path, last=9)
    assert first['iterations'] == second['iterations'] == FIRST_BAD + PATIENCE - 1
    assert first['said'].startswith(f'{PATIENCE} iterations in a row were bad: the loss is not')
    assert 'a loss of rank 0 is not finite' in second['said']
    assert list((tmp_path / 'work' / 'bad_steps').glob('iter_*_rank_0.pth'))


def test_a_loss_that_is_bad_for_a_while_on_one_process_stops_none(tmp_path):
    results = both(tmp_path, last=FIRST_BAD + 1)
    assert results == [dict(iterations=10, said='')] * 2
    log = ''.join(path.read_text() for path in (tmp_path / 'work').rglob('*.log'))
    # The gradients were finite, so nothing was skipped.
    assert 'update skipped' not in log and 'the loss is not finite' in log
