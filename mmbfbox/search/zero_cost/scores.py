"""Zero-cost scores: what an untrained network says of itself on two batches of training crops."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from mmdet.registry import MODELS
from mmengine import Config
from mmengine.dataset import pseudo_collate
from torch import Tensor, nn
from torch.nn.functional import relu
from torch.overrides import TorchFunctionMode

from mmbfbox.datasets.fixed_samples import FixedSamples
from mmbfbox.datasets.randomness import seeded
from mmbfbox.errors import UserError
from mmbfbox.export import subnet_model
from mmbfbox.space import Arch
from mmbfbox.utils.quiet import errors_only

BATCHES = 2
Batch = Mapping[str, Any]


class _Activations(TorchFunctionMode):
    """Notes which units each ReLU lets through, also one that is no module: ``(N, units)``, 0 or 1."""

    def __init__(self) -> None:
        super().__init__()
        self.codes: list[Tensor] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        if func is relu:
            self.codes.append((output > 0).flatten(1).double())
        return output


def naswot(model: Any, batches: Sequence[Batch]) -> float:
    """How differently the ReLUs of a network answer to different images (Mellor et al. 2021).

    The logarithm of the determinant of a kernel: in how many units two images agree on whether it is
    active. One batch, in training mode.

    Args:
        model: an untrained detector.
        batches: preprocessed batches.
    """
    with _Activations() as seen, torch.no_grad():
        model(**batches[0], mode='tensor')
    kernel = [active @ active.T + (1 - active) @ (1 - active).T for active in seen.codes]
    if not kernel:
        return math.nan
    return float(torch.linalg.slogdet(torch.stack(kernel).sum(0))[1])


def zico(model: Any, batches: Sequence[Batch]) -> float:
    """How alike the gradients of different batches are (Li et al. 2023).

    For each convolution the logarithm of the sum, over its weights, of the mean absolute gradient by the
    gradient's standard deviation over the batches; summed over the convolutions.

    Args:
        model: an untrained detector.
        batches: preprocessed batches, at least two.
    """
    layers = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    gradients: list[list[Tensor]] = [[] for _ in layers]
    for batch in batches:
        model.zero_grad()
        losses = model(**batch, mode='loss')
        loss, _ = model.parse_losses(losses)
        loss.backward()
        for layer, found in zip(layers, gradients, strict=True):
            if layer.weight.grad is not None:
                found.append(layer.weight.grad.flatten().clone())
    total = 0.0
    for found in gradients:
        if len(found) == len(batches):
            stacked = torch.stack(found)
            spread = stacked.std(0)
            ratio = (stacked.abs().mean(0) / spread)[spread > 0]
            if len(ratio):
                total += math.log(float(ratio.sum()))
    return total


ZERO_COST: dict[str, Callable[[Any, Sequence[Batch]], float]] = {'naswot': naswot, 'zico': zico}


class ZeroCost:
    """Gives zero-cost scores of archs, a pure function of the arch and the config.

    Multiply-adds and parameters, the zero-cost scores that are hardest to beat, are costs of every
    candidate anyway.

    Args:
        config: config of the search, whose ``train_dataloader`` gives the crops.
        names: of the scores, from :data:`ZERO_COST`.
        device: where to compute.

    Raises:
        UserError: the config has no training images, or not enough.
    """

    def __init__(self, config: Config, names: Sequence[str], device: str) -> None:
        loader = config.get('train_dataloader')
        if loader is None:
            raise UserError(
                'search.score.zero_cost needs train_dataloader, whose crops untrained networks see; inherit '
                "from the supernet's config"
            )
        self.config, self.names, self.device = config, tuple(names), device
        size = loader.get('batch_size', 1)
        samples = FixedSamples(Config(loader.dataset.to_dict()).to_dict(), BATCHES * size)
        if len(samples) < 2 * BATCHES:
            raise UserError(
                f'search.score.zero_cost needs {2 * BATCHES} training images, there are {len(samples)}'
            )
        size = len(samples) // BATCHES
        self._batches = [
            pseudo_collate([samples[part * size + place] for place in range(size)])
            for part in range(BATCHES)
        ]

    def __call__(self, arch: Arch) -> dict[str, float]:
        """The scores of an arch; those that are not finite are left out."""
        found = {}
        for name in self.names:
            # A network of its own for each: the weights are drawn, and statistics move.
            with seeded(0), errors_only():
                model = MODELS.build(subnet_model(self.config.model, arch))
                model.init_weights()
            model.to(self.device).train()
            batches = [model.data_preprocessor(batch, True) for batch in self._batches]
            value = ZERO_COST[name](model, batches)
            if math.isfinite(value):
                found[name] = round(value, 4)
        return found
