"""Kill -9 at random moments changes nothing."""

from __future__ import annotations

from benchmarks.training.killed_training import differences, final_state, start, train_killed
from mmbfbox.datasets.demo.make import make_demo_data

OPTIONS = {'train_cfg.max_iters': 24, 'default_hooks.checkpoint.interval': 2}


def test_a_run_killed_at_5_random_moments_ends_bit_identical(tmp_path):
    """A tiny supernet with EMA, AdamW, clipping and two loader workers; benchmarks/training: 25 kills."""
    data = tmp_path / 'data'
    make_demo_data(data, seed=0, train=16, val=2, size=128)
    undisturbed = start(data, tmp_path / 'undisturbed', OPTIONS)
    found = list(train_killed(data, tmp_path / 'killed', OPTIONS, kills=5, seed=0, most=3))
    undisturbed.join()
    assert undisturbed.exitcode == 0
    states = [final_state(tmp_path / name) for name in ('undisturbed', 'killed')]
    assert not differences(*states)
    assert states[0]['iter'] == 24 and len(states[0]['histories']['train/loss'].data[0]) == 24
    assert len(states[0]['log']) == 24
    assert len(found) == 5 and 'nothing' not in found[-1]
