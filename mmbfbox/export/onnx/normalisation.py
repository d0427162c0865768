"""What a detector does to an image before its first convolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Normalisation:
    """``network = (image[order] - mean) / std``, for images ``(N, 3, H, W)``.

    Attributes:
        order: the image's channel that each channel of the network is, ``[2, 1, 0]`` for RGB of BGR.
        mean: ``(3,)``, of the image's channels.
        std: ``(3,)``, of the network's channels.
    """

    order: tuple[int, ...]
    mean: Tensor
    std: Tensor

    @classmethod
    def of_detector(cls, detector: nn.Module) -> Normalisation:
        """That of BGR images with values from 0 to 255."""
        preprocessor: Any = detector.data_preprocessor
        # A channel is followed through it; whether it turns BGR into RGB is said nowhere in public.
        images = [torch.zeros(3, 1, 1, dtype=torch.uint8) for _ in range(3)]
        for channel, image in enumerate(images):
            image[channel] = 255
        seen = [preprocessor({'inputs': [image]})['inputs'][0, :, 0, 0] for image in images]
        places = torch.stack(seen).argmax(1)
        mean, std = _values(preprocessor, 'mean', 0.0), _values(preprocessor, 'std', 1.0)
        return cls(tuple(places.argsort().tolist()), mean[places], std)

    def of_unit_rgb(self) -> Normalisation:
        """That of RGB images whose values v are given as ``(v - 127.5) / 128``."""
        order = tuple(2 - channel for channel in self.order)
        return Normalisation(order, (self.mean.flip(0) - 127.5) / 128, self.std / 128)


def _values(preprocessor: Any, name: str, default: float) -> Tensor:
    values = getattr(preprocessor, name, None)
    return torch.full((3,), default) if values is None else values.detach().cpu().float().reshape(3)
