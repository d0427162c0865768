"""Pictures of what the network detects while it is being trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
import torch
from mmdet.registry import DATASETS, HOOKS
from mmengine.dataset import pseudo_collate
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmbfbox.engine.compat import BatchNorm
from mmbfbox.engine.hooks.detection_pictures_hook import draw_detections, sheet
from mmbfbox.errors import UserError
from mmbfbox.models import SearchableFaceBackbone, set_arch, space_of
from mmbfbox.models.backbones.freezing import fixed_norms

# A picture is not worth a training: these end the drawing only.
_FAILURES = (UserError, RuntimeError, ValueError, OSError, cv2.error)


@HOOKS.register_module()
class SamplePredictionsHook(Hook):
    """Draw the detections on a few fixed images every so often.

    The sheet goes to the visualizer's backends as ``predictions``: to TensorBoard, and as a PNG into
    ``vis_data/vis_image``. A supernet is shown with one fixed subnet, whose batch norm uses the statistics
    of these images, because the running ones mix all paths. Weights, buffers, modes and random numbers
    are left as they were.

    Args:
        interval: iterations between two sheets. Defaults to a fifth of the training.
        number: how many images, evenly spread over the data set. Defaults to 4.
        score: detections below this score are not drawn. Defaults to 0.3.
        seed: seed of a supernet's fixed subnet. Defaults to 0.
        dataset: config of the data set, with a pipeline for testing. Defaults to that of the config's
            ``val_dataloader``, else of its ``held_out_dataloader``.
    """

    # After everything else that an iteration does.
    priority = 'LOWEST'

    def __init__(
        self,
        interval: int | None = None,
        number: int = 4,
        score: float = 0.3,
        seed: int = 0,
        dataset: Any = None,
    ) -> None:
        if (interval is not None and interval < 1) or number < 1 or seed < 0:
            raise UserError(
                f'SamplePredictionsHook has interval {interval}, number {number} and seed {seed}; the '
                f'first two must be at least 1, the seed at least 0'
            )
        self.interval = interval
        self.number = number
        self.score = score
        self.seed = seed
        self.dataset = dataset
        self._batch: dict[str, Any] | None = None

    def before_train(self, runner: Runner) -> None:
        """Load the images once."""
        self._every = self.interval or max(1, runner.max_iters // 5)
        dataset = self.dataset
        for key in ('val_dataloader', 'held_out_dataloader'):
            dataset = dataset or (runner.cfg.get(key) or {}).get('dataset')
        if dataset is None:
            runner.logger.warning(
                'SamplePredictionsHook finds no images: the config has neither val_dataloader nor '
                'held_out_dataloader'
            )
            return
        try:
            if isinstance(dataset, dict):
                dataset = DATASETS.build(dataset)
            places = np.linspace(0, len(dataset) - 1, min(self.number, len(dataset))).round()
            self._batch = pseudo_collate([dataset[int(place)] for place in places])
        except _FAILURES as error:
            runner.logger.warning(f'no sample predictions, their images cannot be read: {error}')

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Draw at the interval."""
        if self._batch is None or not self.every_n_train_iters(runner, self._every):
            return
        try:
            self._draw(runner)
        except _FAILURES as error:
            runner.logger.warning(f'no more sample predictions, drawing them failed: {error}')
            self._batch = None

    def _draw(self, runner: Runner) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        searchable = isinstance(getattr(model, 'backbone', None), SearchableFaceBackbone)
        if searchable:
            set_arch(model, space_of(model).sample(self.seed, 0))
        # All ranks, because synchronised batch norm would wait for them.
        with torch.no_grad(), _looking(model, batch_statistics=searchable):
            samples = model.test_step(self._batch)
        pictures = [draw_detections(sample, self.score) for sample in samples]
        image = cv2.cvtColor(sheet(pictures), cv2.COLOR_BGR2RGB)
        runner.visualizer.add_image('predictions', image, step=runner.iter + 1)


@contextmanager
def _looking(model: nn.Module, batch_statistics: bool) -> Iterator[None]:
    """Evaluation mode for a moment; on request batch norm uses each batch's own statistics.

    Frozen norms do not, because they do not in training, either.
    """
    fixed = fixed_norms(model)
    modes = {module: module.training for module in model.modules()}
    layers = [
        module
        for module in model.modules()
        if batch_statistics and isinstance(module, BatchNorm)
        if module.track_running_stats and module not in fixed
    ]
    try:
        model.eval()
        for layer in layers:
            layer.train()
            # In training mode without tracking, the buffers are neither used nor changed.
            layer.track_running_stats = False
        yield
    finally:
        for layer in layers:
            layer.track_running_stats = True
        for module, mode in modes.items():
            module.training = mode
