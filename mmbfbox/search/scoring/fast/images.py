"""Fixed batches of images that stay in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.dataset import pseudo_collate
from torch import Tensor, nn


class ResidentImages:
    """The batches of a data set: read and decoded once, and kept as far as the memory allows.

    Args:
        dataset: with test pipelines; all images of a batch have one size.
        batches: image numbers of each batch.
        preprocessor: the detector's; it normalises and pads on the device.
        device: where batches are kept.
        budget: bytes that pixels may take. Batches beyond it are read again each time.

    Attributes:
        samples: data samples (annotations and meta keys) of each batch, always kept.
        bytes: what the kept pixels take.
    """

    def __init__(
        self,
        dataset: Any,
        batches: Sequence[Sequence[int]],
        preprocessor: nn.Module,
        device: str | torch.device,
        budget: float = float('inf'),
    ) -> None:
        self.dataset = dataset
        self.batches = batches
        self.preprocessor = preprocessor
        self.device = device
        self.budget = budget
        self.bytes = 0
        self.samples: dict[int, list[Any]] = {}
        self._kept: dict[int, list[Tensor]] = {}

    def __len__(self) -> int:
        """How many batches there are."""
        return len(self.batches)

    def pixels(self, batch: int) -> Tensor:
        """The normalised images of a batch, ``(N, 3, H, W)``, on the device."""
        images = self._kept.get(batch)
        if images is None:
            images = self._read(batch)
        # The preprocessor does not change what it is given.
        data = self.preprocessor(dict(inputs=images, data_samples=self.samples[batch]), False)
        pixels: Tensor = data['inputs']
        return pixels

    def _read(self, batch: int) -> list[Tensor]:
        data = pseudo_collate([self.dataset[index] for index in self.batches[batch]])
        images = [image.to(self.device) for image in data['inputs']]
        self.samples.setdefault(batch, data['data_samples'])
        size = sum(image.numel() * image.element_size() for image in images)
        if self.bytes + size <= self.budget:
            self._kept[batch] = images
            self.bytes += size
        return images
