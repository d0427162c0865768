"""Zero-cost scores: pure functions of an arch, of what networks say before they are trained."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.logging import MMLogger
from torch import nn

from mmbfbox.errors import UserError
from mmbfbox.models import space_of
from mmbfbox.search.zero_cost import ZeroCost
from mmbfbox.search.zero_cost.scores import naswot, zico
from mmbfbox.utils.quiet import build_quietly
from tests.search.scoring.fast.test_scorer import small_search


class Toy(nn.Module):
    """Two units behind a ReLU, and a loss that is its output."""

    def __init__(self, functional: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 1, bias=False)
        self.act = torch.nn.functional.relu if functional else nn.ReLU(inplace=True)
        nn.init.constant_(self.conv.weight, 1.0)

    def forward(self, inputs, mode):
        if mode == 'loss':
            return dict(loss=self.conv(inputs).mean())
        return self.act(inputs)

    def parse_losses(self, losses):
        return losses['loss'], {}


@pytest.mark.parametrize('functional', [True, False])
def test_naswot_is_the_determinant_of_how_far_images_agree(functional):
    images = torch.tensor([[1.0, 1.0, -1.0], [1.0, -1.0, -1.0]]).reshape(2, 3, 1, 1)
    # They agree in two of three units.
    expected = math.log(3 * 3 - 2 * 2)
    assert naswot(Toy(functional), [dict(inputs=images)]) == pytest.approx(expected)


def test_zico_is_the_mean_gradient_by_its_deviation():
    batches = [
        dict(inputs=torch.tensor([a, b]).reshape(1, 2, 1, 1)) for a, b in ((1.0, 4.0), (3.0, 4.1))
    ]
    gradients = np.array([[1.0, 4.0], [3.0, 4.1]])
    expected = math.log((gradients.mean(0) / gradients.std(0, ddof=1)).sum())
    assert zico(Toy(True), batches) == pytest.approx(expected, rel=1e-4)


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    config = small_search(tmp_path_factory.mktemp('data'))
    config.train_dataloader.dataset.update(held_out=10, recalibration=8)
    config.train_dataloader.batch_size = 2
    return config


def test_every_arch_has_its_own_scores_and_always_the_same(config):
    space = space_of(build_quietly(lambda: MODELS.build(config.model)))
    archs = [space.sample(0, index) for index in range(2)]
    scores = ZeroCost(config, ['naswot', 'zico'], 'cpu')
    first, other = (scores(arch) for arch in archs)
    assert set(first) == {'naswot', 'zico'} and first != other
    torch.manual_seed(5)
    assert ZeroCost(config, ['naswot', 'zico'], 'cpu')(archs[0]) == first


def test_no_training_images_is_one_sentence(config):
    few = config.copy()
    few.train_dataloader = None
    with pytest.raises(UserError, match='needs train_dataloader'):
        ZeroCost(few, ['zico'], 'cpu')


def test_initial_weights_are_not_told_parameter_by_parameter(config, capfd):
    space = space_of(build_quietly(lambda: MODELS.build(config.model)))
    MMLogger.get_instance('mmengine', log_level='INFO')
    capfd.readouterr()
    ZeroCost(config, ['naswot'], 'cpu')(space.sample(0, 0))
    said = capfd.readouterr()
    assert 'init' not in said.out + said.err
