"""Which batch-norm statistics a trained detector is tested with: a choice, so that it can be seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmengine import Config
from mmengine.dataset import pseudo_collate
from mmengine.logging import print_log
from torch import nn

from mmbfbox.datasets.fixed_samples import FixedSamples
from mmbfbox.engine.norm_shift import norm_shift, running_moments
from mmbfbox.errors import UserError
from mmbfbox.search.scoring.data import CROPS
from mmbfbox.search.scoring.interface import batches_in_parts
from mmbfbox.search.scoring.recalibration import batch_norms, recalibrate

KINDS = ('running', 'crops', 'images')
_SOURCES = dict(crops='train_dataloader', images='recalibration_dataloader')


class NormStatistics:
    """Replaces the running statistics of a detector by pooled ones, on a fixed list of training images.

    ``'crops'`` pools over crops of the training pipeline, each drawn under its own fixed seed, as SPOS and
    DetNAS recalibrate; ``'images'`` over whole images, letterboxed as for the candidates of a search;
    ``'running'`` keeps what training left. Crops of data-anchor-sampling are 42 % padding at one scale,
    test images have neither, so the three may differ by many points of AP.

    Args:
        config: with the ``train_dataloader`` or ``recalibration_dataloader`` that is needed.
        kind: one of :data:`KINDS`.

    Raises:
        UserError: the kind is unknown, or the config has no such images.
    """

    def __init__(self, config: Config, kind: str) -> None:
        if kind not in KINDS:
            raise UserError(f'norm statistics are {kind!r}, expected one of {", ".join(KINDS)}')
        self.kind = kind
        source = _SOURCES.get(kind)
        if source and config.get(source) is None:
            raise UserError(
                f'the config has no {source}, the images that statistics of {kind} are taken from; give '
                f'a config that has it'
            )
        self._loader: Any = Config(config.to_dict())[source] if source else None

    def __call__(self, model: nn.Module) -> None:
        """Replace the statistics of a detector, and say by how much they moved.

        Raises:
            UserError: it has no batch norm, so that nothing would change.
        """
        layers = batch_norms(model)
        if not layers:
            raise UserError(
                f'--norm-statistics {self.kind} is given, and the detector has no batch norm; leave it '
                f'away'
            )
        if self._loader is None:
            return
        before = running_moments(layers)
        detector: Any = model

        def forward(batch: Any) -> None:
            data = detector.data_preprocessor(batch, False)
            detector(data['inputs'], data['data_samples'], mode='tensor')

        recalibrate(model, self._batches(), forward)
        shift = norm_shift(before, running_moments(layers))
        print_log(
            f'batch norm: statistics of {self.kind} in place of the running ones, which differ by '
            f'{shift:.2f} standard deviations on average',
            logger='current',
        )

    def _batches(self) -> Iterator[Any]:
        samples = FixedSamples(self._loader.dataset, None if self.kind == 'images' else CROPS)
        for batch in batches_in_parts(len(samples), self._loader.batch_size, parts=1)[0]:
            yield pseudo_collate([samples[place] for place in batch])
