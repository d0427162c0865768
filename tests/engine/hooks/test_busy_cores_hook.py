"""A training that finds its cores taken says so, and does not spin."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from mmbfbox.engine.hooks.busy_cores_hook import BusyCoresHook, advice
from mmbfbox.errors import UserError
from mmbfbox.utils.threads import SPINS, busy_cores


def test_core_time_of_this_process_and_its_children_is_part_of_all():
    before = busy_cores()
    child = subprocess.Popen([sys.executable, '-c', 'while True: pass'])
    try:
        end = time.process_time() + 0.3
        while time.process_time() < end:
            pass
        time.sleep(0.5)
        after = busy_cores()
    finally:
        child.kill()
        child.wait()
    everyone, own = (new - old for new, old in zip(after, before, strict=True))
    assert own > 0.32  # 0.3 s of its own, and the child's
    assert everyone > own - 0.1


def test_nothing_is_said_where_there_is_room():
    assert advice(own=1.3, others=0.1, cores=2, threads=1) is None
    assert advice(own=2.0, others=1.0, cores=4, threads=2) is None


def test_fewer_threads_are_advised_where_others_work():
    said = advice(own=1.0, others=1.0, cores=2, threads=2)
    assert said.startswith('other programs keep 1.0 of 2 cores busy, and this training has 1.0')
    assert 'OMP_NUM_THREADS=1' in said
    assert 'once they have ended' in advice(own=0.5, others=1.5, cores=2, threads=1)


def test_threads_sleep_while_they_wait_unless_the_user_says_otherwise(monkeypatch):
    code = (
        'import mmbfbox, os; print(os.environ["OMP_WAIT_POLICY"], os.environ.get("GOMP_SPINCOUNT"))'
    )

    def policy() -> str:
        done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
        return done.stdout.strip()

    monkeypatch.delenv('OMP_WAIT_POLICY', raising=False)
    monkeypatch.delenv('GOMP_SPINCOUNT', raising=False)
    assert policy() == f'PASSIVE {SPINS}'
    monkeypatch.setenv('OMP_WAIT_POLICY', 'ACTIVE')
    assert policy() == 'ACTIVE None'


def test_a_hook_that_measures_nothing_is_refused():
    with pytest.raises(UserError, match='expected 1 or more'):
        BusyCoresHook(iterations=0)
