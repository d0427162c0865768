"""A config's network, a batch for it, and one training step."""

from __future__ import annotations

import torch
from mmdet.models.detectors.base import BaseDetector
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from benchmarks.common.timing import timed
from mmbfbox.utils.config import load_config


def build(name: str, device: str = 'cpu') -> BaseDetector:
    """The detector of a config by its name, in training mode, always with the same weights."""
    torch.manual_seed(0)
    return MODELS.build(load_config(name).model).to(device).train()


def batch(number: int, size: int, device: str = 'cpu') -> tuple[torch.Tensor, list[DetDataSample]]:
    """Images of noise with three faces each, always the same.

    Args:
        number: of images.
        size: their side in pixels.
        device: where they are.

    Returns:
        Images of shape ``(number, 3, size, size)``, and their faces.
    """
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(number, 3, size, size, generator=generator)
    samples = []
    for _ in range(number):
        shape = dict(img_shape=(size, size), pad_shape=(size, size), scale_factor=(1, 1))
        sample = DetDataSample(metainfo=shape)
        corners = torch.rand(3, 2, generator=generator) * size * 0.7
        sample.gt_instances = InstanceData(
            bboxes=torch.cat([corners, corners + size * 0.2], 1),
            labels=torch.zeros(3, dtype=torch.long),
        )
        sample.ignored_instances = InstanceData(bboxes=torch.zeros(0, 4))
        samples.append(sample.to(device))
    return images.to(device), samples


def new_optimizer(model: torch.nn.Module) -> torch.optim.Optimizer:
    """SGD with the paper's momentum and weight decay."""
    return torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9, weight_decay=5e-5)


def step(
    model: BaseDetector,
    optimizer: torch.optim.Optimizer,
    images: torch.Tensor,
    samples: list[DetDataSample],
) -> float:
    """Seconds of one training step."""

    def train() -> None:
        losses = model(images, samples, mode='loss')
        optimizer.zero_grad()
        model.parse_losses(losses)[0].backward()
        optimizer.step()

    return timed(train)[1]
