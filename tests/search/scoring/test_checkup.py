"""What a trained supernet is worth at first sight."""

from __future__ import annotations

import pytest
from mmengine import Config

from mmbfbox.artifacts.supernet_check import CHECK_FILE, SupernetCheck
from mmbfbox.search.scoring import checkup
from mmbfbox.search.scoring.checkup import check_supernet, check_table, top_down
from mmbfbox.space import Arch, FpnSpace


class Noted:
    """Takes the scorer's place and notes what it is asked."""

    def __init__(self, config, weights, device):
        self.asked = []
        Noted.last = self
        assert config.held_out_evaluator.type == 'WiderFaceMetric'

    def score(self, arch):
        self.asked.append(arch)
        return dict(easy=0.1, medium=0.2, hard=0.3)


def test_the_cheapest_the_most_expensive_and_the_same_random_subnets_are_scored(
    any_supernet_config, monkeypatch, tmp_path
):
    monkeypatch.setattr(checkup, 'ReferenceScorer', Noted)
    config = Config(dict(model=any_supernet_config.model, supernet_check=dict(random=2, seed=3)))
    check = check_supernet(config, {})
    rows = check.subnets
    assert [row.name for row in rows] == ['cheapest', 'most expensive', 'random 0', 'random 1']
    assert [Arch.parse(row.arch) for row in rows] == Noted.last.asked
    macs = [row.backbone_macs for row in rows]
    assert macs[0] <= min(macs[2:]) and macs[1] >= max(macs[2:])
    assert check_supernet(config, {}) == check
    # The caller's config is left alone.
    assert 'held_out_evaluator' not in config
    assert '| cheapest | 10.00 | 20.00 | 30.00 |' in check_table(check)
    check.write(tmp_path / CHECK_FILE)
    assert SupernetCheck.read(tmp_path / CHECK_FILE) == check


@pytest.mark.parametrize(
    ('levels', 'targets', 'expected'),
    [
        ((2, 3, 4, 5, 6, 7), (2, 3, 4, 5, 6), 'c7 p6 p5 p4 p3'),
        ((2, 3, 4, 5), (2, 4), 'c5 c3'),
        ((2, 3), (2, 3), 'c2 p3'),
    ],
)
def test_plain_pyramid_takes_the_next_coarser_level(levels, targets, expected):
    space = FpnSpace(levels, targets)
    merges = top_down(space)
    assert space.problem(merges) is None
    assert ' '.join(merge.source for merge in merges) == expected
