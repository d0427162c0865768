"""Sigmoid focal loss: mmdet's own formula, and its derivative."""

from __future__ import annotations

import pytest
import torch
from mmbfbox_ops import sigmoid_focal_loss_backward, sigmoid_focal_loss_forward
from mmdet.models.losses import focal_loss as mmdet_focal_loss
from torch import Tensor
from torch.nn.functional import one_hot

from tests.ops.cases import COMPILED

CLASSES = 4
NO_WEIGHT = torch.empty(0)


def samples(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Logits from certain to certain, and targets with background among them."""
    rng = torch.Generator().manual_seed(0)
    logits = (torch.rand(64, CLASSES, generator=rng) - 0.5) * 24
    targets = torch.randint(0, CLASSES + 1, (64,), generator=rng)
    return logits.to(dtype), targets


def loss(logits: Tensor, targets: Tensor, gamma: float, alpha: float, weight=NO_WEIGHT) -> Tensor:
    output = torch.full_like(logits, 7)
    sigmoid_focal_loss_forward(logits, targets, weight, output, gamma, alpha)
    return output


@pytest.mark.parametrize(('gamma', 'alpha'), [(2.0, 0.25), (0.0, 0.5), (1.5, 0.9)])
def test_the_loss_is_that_of_mmdet_in_plain_torch(gamma: float, alpha: float):
    logits, targets = samples()
    own = one_hot(targets, CLASSES + 1)[:, :CLASSES]
    expected = mmdet_focal_loss.py_sigmoid_focal_loss(
        logits.double(), own, gamma=gamma, alpha=alpha, reduction='none'
    )
    torch.testing.assert_close(loss(logits.double(), targets, gamma, alpha), expected)
    torch.testing.assert_close(
        loss(logits, targets, gamma, alpha), expected.float(), rtol=1e-3, atol=1e-6
    )


@pytest.mark.parametrize(('gamma', 'alpha'), [(2.0, 0.25), (0.0, 0.5), (1.5, 0.9)])
def test_the_gradient_is_the_derivative_of_the_loss(gamma: float, alpha: float):
    logits, targets = samples(torch.float64)
    weight = torch.tensor([0.5, 1.0, 2.0, 3.0], dtype=torch.float64)
    step = 1e-5
    for factors in (NO_WEIGHT, weight):
        above, below = (loss(logits + s, targets, gamma, alpha, factors) for s in (step, -step))
        found = torch.empty_like(logits)
        sigmoid_focal_loss_backward(logits, targets, factors, found, gamma, alpha)
        torch.testing.assert_close(found, (above - below) / (2 * step), rtol=1e-5, atol=1e-8)


def test_certain_logits_give_finite_losses_and_gradients():
    logits = torch.tensor([[200.0, -200.0], [-200.0, 200.0], [0.0, torch.finfo(torch.float32).max]])
    targets = torch.tensor([0, 0, 2])
    gradient = torch.empty_like(logits)
    sigmoid_focal_loss_backward(logits, targets, NO_WEIGHT, gradient, 2.0, 0.25)
    found = loss(logits, targets, 2.0, 0.25)
    assert found.isfinite().all() and gradient.isfinite().all()
    assert found[0].tolist() == [0, 0] and found[1].min() > 20


def test_weights_count_for_the_samples_of_their_class_and_background_counts_one():
    logits, targets = samples()
    weight = torch.tensor([0.5, 1.0, 2.0, 3.0])
    factors = torch.cat([weight, torch.ones(1)])[targets]
    expected = loss(logits, targets, 2.0, 0.25) * factors[:, None]
    torch.testing.assert_close(loss(logits, targets, 2.0, 0.25, weight), expected)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype):
    logits, targets = samples(dtype)
    expected = loss(logits.float(), targets, 2.0, 0.25).to(dtype)
    assert torch.equal(loss(logits, targets, 2.0, 0.25), expected)


@pytest.mark.skipif(COMPILED and not torch.cuda.is_available(), reason='compiled for CUDA only')
def test_the_loss_that_mmdet_takes_on_cuda_trains_as_the_one_that_it_takes_on_the_cpu():
    logits, targets = samples()
    device = 'cuda' if COMPILED else 'cpu'
    own = one_hot(targets, CLASSES + 1)[:, :CLASSES]
    gradients = []
    for function, target in (
        (mmdet_focal_loss.sigmoid_focal_loss, targets),
        (mmdet_focal_loss.py_sigmoid_focal_loss, own),
    ):
        inputs = logits.clone().to(device).requires_grad_()
        function(inputs, target.to(device), avg_factor=3.0).backward()
        gradients.append(inputs.grad)
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-6)
