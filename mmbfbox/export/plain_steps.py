"""Test pipelines in mmdet's own words, for its inferencer and other programs that look for these steps."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from mmengine import Config

from mmbfbox.datasets.transforms.loading import AS_STORED

_OURS = dict(type='LoadFaceImage')
_LOADERS = ('val_dataloader', 'test_dataloader')


def use_mmdets_steps(config: Config) -> None:
    """Let the test pipelines of a config load by ``LoadImageFromFile`` and have a ``Resize``.

    ``mmdet.apis.DetInferencer`` asks for the one, and mmdet's heads for the ``scale_factor`` that the other
    notes. Images of the original size are resized by 1. The pixels are the same. Pipelines of training and
    of a search's images are left alone: searches know their images by them.

    Args:
        config: changed in place.
    """
    for loader in _LOADERS:
        _change(config.get(loader))


def _change(part: Any) -> None:
    """Change the pipeline of a data set, or of those that it wraps."""
    if isinstance(part, (list, tuple)):
        for item in part:
            _change(item)
    elif isinstance(part, MutableMapping):
        for name in ('dataset', 'datasets'):
            _change(part.get(name))
        steps = part.get('pipeline')
        if steps and dict(steps[0]) == _OURS:
            resized = any(step['type'] == 'Resize' for step in steps)
            same_size = [] if resized else [dict(type='Resize', scale_factor=1.0, keep_ratio=True)]
            part['pipeline'] = [dict(AS_STORED), *same_size, *steps[1:]]
