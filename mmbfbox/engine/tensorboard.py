"""TensorBoard, where it is installed."""

from __future__ import annotations

import importlib.util
from typing import Any

from mmengine.logging import print_log
from mmengine.registry import VISBACKENDS
from mmengine.visualization import TensorboardVisBackend

METHODS = ('add_config', 'add_graph', 'add_image', 'add_scalar', 'add_scalars', 'close')


@VISBACKENDS.register_module()
class OptionalTensorboardVisBackend(TensorboardVisBackend):
    """mmengine's TensorBoard backend, which says so and does nothing without the package.

    A training should not fail for want of a viewer.

    Args:
        save_dir: folder of the event files.
    """

    def __init__(self, save_dir: str) -> None:
        super().__init__(save_dir)
        if importlib.util.find_spec('tensorboard') is None:
            print_log(
                'TensorBoard is not installed, so no event files are written; the same values are in '
                'vis_data/*.json (pip install tensorboard adds the files)',
                'current',
            )
            for name in METHODS:
                setattr(self, name, _nothing)


def _nothing(*args: Any, **kwargs: Any) -> None:
    """Take the place of every method."""
