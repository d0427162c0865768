"""Sigmoid focal loss (Lin et al., ICCV 2017) and its gradient, for tensors on any device."""

from __future__ import annotations

import torch
from torch import Tensor

TINY = torch.finfo(torch.float32).tiny


def sigmoid_focal_loss_forward(
    input: Tensor, target: Tensor, weight: Tensor, output: Tensor, gamma: float, alpha: float
) -> None:
    """Write the loss of each sample and class to ``output``.

    With p the class's probability, it is ``-alpha (1 - p)^gamma log p`` for the sample's own class and
    ``-(1 - alpha) p^gamma log(1 - p)`` for the others.

    Args:
        input: ``(N, C)`` logits. Half precision is computed in float32.
        target: ``(N,)`` long, the class of each sample; C is the background, no class at all.
        weight: ``(C,)``, a factor for the samples of each class; empty for none. Background counts 1.
        output: ``(N, C)``, overwritten.
        gamma: how much easy samples count less.
        alpha: weight of the own class.
    """
    p, own = _probabilities(input, target)
    positive = alpha * (1 - p) ** gamma * p.clamp(min=TINY).log()
    negative = (1 - alpha) * p**gamma * (1 - p).clamp(min=TINY).log()
    output.copy_(-torch.where(own, positive, negative) * _factors(target, weight, p))


def sigmoid_focal_loss_backward(
    input: Tensor, target: Tensor, weight: Tensor, grad_input: Tensor, gamma: float, alpha: float
) -> None:
    """Write the derivative of the loss by each logit to ``grad_input``.

    Args:
        input, target, weight, gamma, alpha: as in :func:`sigmoid_focal_loss_forward`.
        grad_input: ``(N, C)``, overwritten.
    """
    p, own = _probabilities(input, target)
    q = 1 - p
    positive = alpha * q**gamma * (q - gamma * p * p.clamp(min=TINY).log())
    negative = (1 - alpha) * p**gamma * (gamma * q * q.clamp(min=TINY).log() - p)
    grad_input.copy_(-torch.where(own, positive, negative) * _factors(target, weight, p))


def _probabilities(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """``(N, C)`` probabilities, and whether a class is the sample's own."""
    logits = logits.detach()
    if logits.dtype in (torch.float16, torch.bfloat16):
        logits = logits.float()
    classes = torch.arange(logits.shape[1], device=logits.device)
    return logits.sigmoid(), target[:, None] == classes


def _factors(target: Tensor, weight: Tensor, like: Tensor) -> Tensor:
    """``(N, 1)``, or a single 1 without weights."""
    if weight.numel() == 0:
        return like.new_ones(1)
    return torch.cat([weight.detach().to(like), like.new_ones(1)])[target][:, None]
