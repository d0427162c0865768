"""The reference scorer: what the score of an arch means, step by step and without tricks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from mmdet.registry import MODELS
from mmengine import Config
from mmengine.dataset import pseudo_collate
from mmengine.device import get_device
from mmengine.evaluator import Evaluator
from torch import Tensor
from torch.utils.data import DataLoader

from mmbfbox.datasets.shared_memory import check_shared_memory
from mmbfbox.engine import load_weights
from mmbfbox.export import subnet_model, subnet_weights
from mmbfbox.search.scoring.data import (
    batch_sizes,
    build_dataset,
    check_config,
    image_names,
    recalibration_loader,
)
from mmbfbox.search.scoring.interface import DEFAULT_PARTS, Keep, batches_in_parts, check_finite
from mmbfbox.search.scoring.precision import float32_arithmetic
from mmbfbox.search.scoring.recalibration import batch_norms, recalibrate
from mmbfbox.space import Arch
from mmbfbox.utils.loaders import TIMEOUT
from mmbfbox.utils.quiet import build_quietly


class ReferenceScorer:
    """Build the subnet, load its slice, recalibrate batch norm, and measure its AP.

    Args:
        config: config of the search, with ``model`` (the supernet's), ``recalibration_dataloader``
            (a fixed list of training images), ``held_out_dataloader`` and ``held_out_evaluator``
            (a fixed list of images to score on). Every process sees all images, in their order.
        weights: state dict of the supernet.
        device: where to compute. Defaults to the device that mmengine finds.
        parts: parts of the held-out images, see :meth:`score`. Defaults to 4.
        channels_last: memory layout of the network. Defaults to True.

    Raises:
        UserError: the config lacks one of these keys.
    """

    SPEED_ONLY: ClassVar[frozenset[str]] = frozenset()

    def __init__(
        self,
        config: Config,
        weights: dict[str, Tensor],
        device: str | None = None,
        parts: int = DEFAULT_PARTS,
        channels_last: bool = True,
    ) -> None:
        check_config(config)
        self.config = config
        self.weights = weights
        self.device = device or get_device()
        self._identity = dict(parts=parts, channels_last=channels_last)
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        self.images: dict[str, list[str]] = {}
        (self._recalibration,) = self._loaders('recalibration', parts=1)
        self._held_out = self._loaders('held_out', parts)

    def _loaders(self, name: str, parts: int) -> list[DataLoader[Any]]:
        """A loader for each part, of exactly these batches: samplers would divide them among processes."""
        config = self.config.held_out_dataloader
        if name == 'recalibration':
            config = recalibration_loader(self.config)
        dataset = build_dataset(config, name)
        self.images[name] = image_names(dataset)
        self._metainfo = dataset.metainfo
        workers = config.get('num_workers', 0)
        loaders = [
            DataLoader(
                dataset,
                batch_sampler=batches,
                collate_fn=pseudo_collate,
                num_workers=workers,
                timeout=config.get('timeout', TIMEOUT) if workers else 0,
            )
            for batches in batches_in_parts(len(dataset), config.get('batch_size', 1), parts)
        ]
        check_shared_memory({f'{name}_dataloader': loaders[0]})
        return loaders

    def identity(self) -> dict[str, Any]:
        """What scores depend on; nothing is for speed only."""
        return {'type': 'reference', **batch_sizes(self.config), **self._identity}

    def prepare(self, archs: Iterable[Arch]) -> list[Arch]:
        """The archs as they are: any order is as good."""
        return list(archs)

    def subnet(self, arch: Arch) -> Any:
        """The subnet with its slice of the weights and its own batch-norm statistics.

        Raises:
            ScoreError: its weights or its activations are not finite.
        """
        check_finite(self.weights, arch)
        model = build_quietly(lambda: MODELS.build(subnet_model(self.config.model, arch)))
        load_weights(model, subnet_weights(self.weights, arch), 'the supernet')
        model.to(self.device, memory_format=self.layout)
        model.eval()
        # Neck and head usually have no batch norm.
        head = batch_norms(model.bbox_head)
        neck = head or batch_norms(model.neck)

        def forward(batch: Any) -> None:
            data = model.data_preprocessor(batch, False)
            features = model.backbone(data['inputs'])
            if neck:
                features = model.neck(features)
            if head:
                model.bbox_head(features)

        with float32_arithmetic('fp32'):
            recalibrate(model, self._recalibration, forward)
        return model

    @torch.no_grad()
    def score(self, arch: Arch, keep: Keep | None = None) -> dict[str, float]:
        """AP of ``easy``, ``medium`` and ``hard`` on the held-out images, as fractions.

        Args:
            arch: an arch of the supernet's space.
            keep: asked after each part of the images but the last; on False AP so far is returned.

        Raises:
            ScoreError: the subnet's weights or activations are not finite.
        """
        model = self.subnet(arch)
        evaluator = Evaluator(self.config.held_out_evaluator)
        evaluator.dataset_meta = self._metainfo
        done = 0
        for number, part in enumerate(self._held_out, 1):
            for batch in part:
                with float32_arithmetic('fp32'):
                    outputs = model.val_step(batch)
                evaluator.process(data_samples=outputs, data_batch=batch)
                done += len(outputs)
            # Not evaluator.evaluate: it gathers the results of all processes, each with another arch.
            scores = {
                name: float(value)
                for metric in evaluator.metrics
                for name, value in metric.compute_metrics(metric.results).items()
            }
            if keep and number < len(self._held_out) and not keep(done, scores):
                break
        return scores
