"""Networks, batches and steps of the scenarios of two processes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmbfbox.models import set_arch, space_of
from mmbfbox.utils.config import load_config
from tests.fixtures_models import CONFIGS, light_model, tiny

SIZE = 64
STEPS = 4


def supernet(seed: int = 0, kind: Callable[[Config], Config] = tiny) -> nn.Module:
    """A tiny supernet that trains with fixed batch-norm statistics."""
    config = kind(Config.fromfile(CONFIGS / '_base_/models/bfbox_supernet.py'))
    return built(config.model, seed)


def light_supernet(seed: int = 0) -> nn.Module:
    """One with a light head: boxes weigh as much as their scores."""
    return built(light_model(4), seed)


def built(config: Any, seed: int) -> nn.Module:
    init_default_scope('mmdet')
    torch.manual_seed(seed)
    logging.disable(logging.INFO)
    model = MODELS.build(config)
    model.init_weights()
    logging.disable(logging.NOTSET)
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    return model


def batch(step: int, ranks: range, faceless: Sequence[int] = ()) -> dict[str, list[Any]]:
    """Two images for each rank; rank 0's first image has no face, rank 1 has more than rank 0.

    Those of the ranks in ``faceless`` have none at all.
    """
    images, samples = [], []
    for rank in ranks:
        for number in range(2):
            generator = torch.Generator().manual_seed(100 * step + 10 * rank + number)
            images.append(torch.randint(0, 256, (3, SIZE, SIZE), generator=generator).byte())
            faces = 0 if rank in faceless else 2 * rank + number
            corners = torch.rand(faces, 2, generator=generator) * SIZE * 0.6
            sample = DetDataSample(metainfo=dict(img_shape=(SIZE, SIZE)))
            sample.gt_instances = InstanceData(
                bboxes=torch.cat([corners, corners + 20], 1), labels=torch.zeros(faces).long()
            )
            sample.ignored_instances = InstanceData(bboxes=torch.zeros(0, 4))
            samples.append(sample)
    return dict(inputs=images, data_samples=samples)


def sgd(model: nn.Module, kind: type[OptimWrapper] = OptimWrapper, **keys: Any) -> OptimWrapper:
    """Momentum and weight decay would move what is not sampled, if they could."""
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, weight_decay=0.05)
    return kind(optimizer=optimizer, **keys)


def train(
    model: nn.Module,
    ranks: range,
    steps: int = STEPS,
    faceless: Sequence[Sequence[int]] = ((),) * STEPS,
    **keys: Any,
) -> list[dict[str, Tensor]]:
    """The state dict before the first step and after each; a path lasts for one update."""
    optim = sgd(model, **keys)
    inner = getattr(model, 'module', model)
    states = [copy_of(inner.state_dict())]
    for step in range(steps):
        set_arch(inner, space_of(inner).sample(7, step // keys.get('accumulative_counts', 1)))
        model.train_step(batch(step, ranks, faceless[step]), optim)
        states.append(copy_of(inner.state_dict()))
    return states


def copy_of(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in state.items()}


def plain_network() -> nn.Module:
    """A baseline: mmdet's ResNet and FPN with our head, which mmengine wraps in DDP."""
    init_default_scope('mmdet')
    torch.manual_seed(0)
    model = MODELS.build(load_config('demo/retinanet_r18_fpn_demo').model).train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    return model


def train_plain(model: nn.Module, ranks: range) -> dict[str, Tensor]:
    """The state dict after two steps."""
    optim = sgd(model)
    for step in range(2):
        model.train_step(batch(step, ranks), optim)
    return copy_of(getattr(model, 'module', model).state_dict())
