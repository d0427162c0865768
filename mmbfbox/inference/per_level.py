"""What each pyramid level contributes (paper, tables 1 and 2): all levels in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmdet.registry import METRICS, MODELS
from mmdet.structures import DetDataSample
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseTTAModel

from mmbfbox.errors import UserError

SILENCED = -1e4
"""A class logit whose sigmoid is 0, also in half precision."""


@MODELS.register_module()
class PerLevelDetector(BaseTTAModel):
    """Detects once and reports the boxes of every pyramid level alone, beside those of all levels.

    The scores of the other levels are silenced before NMS, so a level's AP is that of a detector that
    has only this level. The network runs once.

    Args:
        module: a single-stage mmdet detector with an anchor head, or its config.

    Raises:
        UserError: its head has no score of its own for each class.

    Shapes: as for the detector; data samples also have ``level_instances``, a list with the
    ``pred_instances`` of each level.
    """

    def __init__(self, module: Any) -> None:
        super().__init__(module)
        head = self.module.bbox_head
        if not getattr(head, 'use_sigmoid_cls', False):
            raise UserError(
                f'the head {type(head).__name__} compares classes with each other (softmax), so that no '
                f'level can be silenced; leave --per-level out, or take a loss_cls with use_sigmoid=True'
            )

    def test_step(self, data: Any) -> list[DetDataSample]:
        """Detections of each image of a batch."""
        detector = self.module
        data = detector.data_preprocessor(data, False)
        samples = data['data_samples']
        metas = [sample.metainfo for sample in samples]
        scores, *rest = detector.bbox_head(detector.extract_feat(data['inputs']))

        def detect(level: int | None) -> Any:
            heard = [
                level_scores if level in (None, index) else torch.full_like(level_scores, SILENCED)
                for index, level_scores in enumerate(scores)
            ]
            return detector.bbox_head.predict_by_feat(
                heard, *rest, batch_img_metas=metas, rescale=True
            )

        everything = detector.add_pred_to_datasample(samples, detect(None))
        levels = [detect(level) for level in range(len(scores))]
        for index, sample in enumerate(everything):
            instances = [results[index] for results in levels]
            sample.set_field(instances, 'level_instances', dtype=list)
        return everything

    def merge_preds(self, data_samples_list: Any) -> Any:
        """Not used: there is one view."""
        raise NotImplementedError


@METRICS.register_module()
class PerLevelMetric(BaseMetric):
    """Any face metric once for all levels and once for each; for a :class:`PerLevelDetector`.

    Result keys are those of the metric with ``all/``, ``p2/``, ``p3/``, ... before them.

    Args:
        metric: config of the metric.
        levels: how many levels the detector has.
        first_level: number of the finest level. Defaults to 2, stride 4.

    Raises:
        UserError: samples come from another detector.
    """

    def __init__(self, metric: dict[str, Any], levels: int, first_level: int = 2) -> None:
        super().__init__()
        # Levels write no files: they would replace those of all levels.
        silent = {key: value for key, value in metric.items() if key != 'out_dir'}
        self._all = METRICS.build(dict(metric))
        self._levels = [METRICS.build(dict(silent)) for _ in range(levels)]
        self._names = [f'p{first_level + index}' for index in range(levels)]

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Hand each level's boxes to its own metric."""
        self._all.process(data_batch, data_samples)
        for index, metric in enumerate(self._levels):
            metric.process(data_batch, [self._of_level(sample, index) for sample in data_samples])

    def _of_level(self, sample: Any, index: int) -> Any:
        levels = sample.get('level_instances')
        if levels is None or len(levels) != len(self._levels):
            raise UserError(
                f'PerLevelMetric expects the boxes of {len(self._levels)} levels, and the samples '
                f'bring {len(levels or [])}; use it with a PerLevelDetector of so many levels'
            )
        return {**sample, 'pred_instances': levels[index]}

    def evaluate(self, size: int) -> dict[str, float]:
        """Result of every metric, over all ranks."""
        results = {}
        for name, metric in [('all', self._all), *zip(self._names, self._levels, strict=True)]:
            metric.dataset_meta = self.dataset_meta
            for key, value in metric.evaluate(size).items():
                results[f'{name}/{key}'] = value
        return results

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """Not used: each metric computes its own."""
        raise NotImplementedError
