"""Batch-norm statistics are those of all values at once."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mmbfbox.errors import UserError
from mmbfbox.search import recalibrate

IMAGES = torch.randn(12, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * torch.linspace(
    0.2, 3, 12
).reshape(-1, 1, 1, 1)


@pytest.mark.parametrize('batches', [[12], [1] * 12, [5, 5, 2], [2] * 6])
def test_first_layer_gets_the_moments_of_all_images_however_they_are_split(batches):
    model = nn.Sequential(nn.BatchNorm2d(3)).eval()
    recalibrate(model, IMAGES.split(batches))
    values = IMAGES.transpose(0, 1).reshape(3, -1).double()
    assert torch.allclose(model[0].running_mean.double(), values.mean(1), atol=1e-6)
    assert torch.allclose(model[0].running_var.double(), values.var(1), rtol=1e-6)


def test_deeper_layers_see_inputs_normalised_by_their_batch_as_in_training():
    model = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    recalibrate(model, IMAGES.split(4))
    seen = []
    model.train()
    with torch.no_grad():
        for batch in IMAGES.split(4):
            seen.append(model[1](nn.functional.batch_norm(batch, None, None, training=True)))
    values = torch.cat(seen).transpose(0, 1).reshape(4, -1).double()
    assert torch.allclose(model[2].running_var.double(), values.var(1), rtol=1e-5)


def test_modes_and_momenta_are_restored_even_after_an_exception():
    model = nn.Sequential(nn.BatchNorm2d(3, momentum=0.3), nn.Dropout(0.5))
    model[1].eval()

    def fail(batch):
        raise RuntimeError('broken')

    with pytest.raises(RuntimeError):
        recalibrate(model, [IMAGES], fail)
    assert model[0].momentum == 0.3 and model[0].training and not model[1].training
    assert not model[0]._forward_hooks


def test_weights_and_layers_that_do_not_run_are_left_alone():
    model = nn.ModuleDict(dict(used=nn.BatchNorm2d(3), unused=nn.BatchNorm2d(3)))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    recalibrate(model, [IMAGES], model['used'])
    after = model.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed <= {'used.running_mean', 'used.running_var', 'used.num_batches_tracked'}


def test_no_images_and_exploding_activations_are_refused():
    model = nn.Sequential(nn.BatchNorm2d(3))
    with pytest.raises(UserError, match='no images'):
        recalibrate(model, [])
    with pytest.raises(UserError, match='not finite'):
        recalibrate(model, [torch.full((2, 3, 4, 4), float('nan'))])
