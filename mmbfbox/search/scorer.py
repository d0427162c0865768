"""The reference scorer: what the score of an arch means, step by step and without tricks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import torch
from mmdet.registry import MODELS
from mmengine import Config
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner
from torch import Tensor

from mmbfbox.engine import load_weights
from mmbfbox.errors import UserError
from mmbfbox.export import subnet_model, subnet_weights
from mmbfbox.search.recalibrate import batch_norms, recalibrate
from mmbfbox.space import Arch

NEEDED = ('recalibration_dataloader', 'held_out_dataloader', 'held_out_evaluator')


class ReferenceScorer:
    """Build the subnet, load its slice, recalibrate batch norm, and measure its AP.

    Args:
        config: config of the search, with ``model`` (the supernet's), ``recalibration_dataloader``
            (a fixed list of training images), ``held_out_dataloader`` and ``held_out_evaluator``
            (a fixed list of images to score on).
        weights: state dict of the supernet.
        device: where to compute.

    Raises:
        UserError: the config lacks one of these keys.
    """

    def __init__(self, config: Config, weights: dict[str, Tensor], device: str = 'cpu') -> None:
        missing = [key for key in NEEDED if key not in config]
        if missing:
            raise UserError(
                f'the config lacks {", ".join(missing)}, which scoring needs; inherit from a search '
                f'config like configs/paper/search.py'
            )
        self.config = config
        self.weights = weights
        self.device = device
        self._recalibration = Runner.build_dataloader(config.recalibration_dataloader, seed=0)
        self._held_out = Runner.build_dataloader(config.held_out_dataloader, seed=0)

    @property
    def images(self) -> dict[str, list[str]]:
        """Names of the images that scores depend on."""
        loaders = {'recalibration': self._recalibration, 'held_out': self._held_out}
        return {
            name: [
                str(loader.dataset.get_data_info(index)['img_id'])
                for index in range(len(loader.dataset))
            ]
            for name, loader in loaders.items()
        }

    def subnet(self, arch: Arch) -> Any:
        """The subnet with its slice of the weights and its own batch-norm statistics."""
        model = build_quietly(lambda: MODELS.build(subnet_model(self.config.model, arch)))
        load_weights(model, subnet_weights(self.weights, arch), 'the supernet')
        model.to(self.device)
        model.eval()
        # The head has no batch norm, and the neck usually has none either.
        neck = model.with_neck and batch_norms(model.neck)

        def forward(batch: Any) -> None:
            data = model.data_preprocessor(batch, False)
            features = model.backbone(data['inputs'])
            if neck:
                model.neck(features)

        recalibrate(model, self._recalibration, forward)
        return model

    @torch.no_grad()
    def score(self, arch: Arch) -> dict[str, float]:
        """AP of ``easy``, ``medium`` and ``hard`` on the held-out images, as fractions."""
        model = self.subnet(arch)
        evaluator = Evaluator(self.config.held_out_evaluator)
        evaluator.dataset_meta = self._held_out.dataset.metainfo
        for batch in self._held_out:
            outputs = model.val_step(batch)
            evaluator.process(data_samples=outputs, data_batch=batch)
        metrics = evaluator.evaluate(len(self._held_out.dataset))
        return {name.split('/')[-1]: float(value) for name, value in metrics.items()}


def build_quietly(build: Callable[[], Any]) -> Any:
    """Run ``build`` without mmengine's log of each parameter's initialisation."""
    logger = logging.getLogger('mmengine')
    disabled, logger.disabled = logger.disabled, True
    try:
        return build()
    finally:
        logger.disabled = disabled
