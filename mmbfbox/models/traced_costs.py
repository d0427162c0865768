"""Multiply-adds of any detector, counted as its convolutions run."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def traced_macs(model: nn.Module, size: tuple[int, int]) -> tuple[int, int]:
    """Multiply-adds of the backbone and of the whole detector.

    Shapes are computed and numbers are not (torch's meta device), so it takes a moment at any size.

    Args:
        model: a single-stage detector with backbone, neck and head; it is not changed.
        size: height and width of the input in pixels.

    Example:
        >>> from mmbfbox.models.backbones.bfbox import FaceBackbone
        >>> detector = nn.Module()
        >>> detector.backbone = FaceBackbone([['conv3'], ['dw5']], 8, [16, 32])
        >>> detector.neck, detector.bbox_head = nn.Identity(), nn.Identity()
        >>> traced_macs(detector, (224, 224))
        (17825024, 17825024)
    """
    if model.training or not all(parameter.is_meta for parameter in model.parameters()):
        model = copy.deepcopy(model).eval().to('meta')
    detector: Any = model
    image = torch.zeros(1, 3, *size, device='meta')
    with torch.no_grad():
        with FlopCounterMode(display=False) as counter:
            features = detector.backbone(image)
        backbone = counter.get_total_flops() // 2
        with FlopCounterMode(display=False) as counter:
            detector.bbox_head(detector.neck(features))
    return backbone, backbone + counter.get_total_flops() // 2
