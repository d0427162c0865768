"""Metrics that are computed while the device goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch
from mmengine.evaluator import Evaluator

from mmbfbox.search.scoring.fast.detections import Detections
from mmbfbox.utils.stopwatch import Stopwatch

Scores = dict[str, float]
Batch = tuple[Sequence[Mapping[str, Any]], Future[list[Detections]]]


class Measuring:
    """Measures detections in a thread of its own, one candidate after the other.

    Args:
        evaluator: config of the metrics.
        metainfo: of the data set.
        stopwatch: measures it, if it is running.
    """

    def __init__(self, evaluator: Any, metainfo: Mapping[str, Any], stopwatch: Stopwatch) -> None:
        self._evaluator = Evaluator(evaluator)
        self._evaluator.dataset_meta = metainfo
        self._stopwatch = stopwatch
        self._thread = ThreadPoolExecutor(1, 'measuring')

    def __call__(self, batches: Sequence[Batch], goes_on: bool = False) -> Future[Scores]:
        """What will hold the scores of a candidate.

        Args:
            batches: of images: their meta keys, and what will hold their detections.
            goes_on: whether they belong to the candidate of the last call, and are measured with its.
        """
        return self._thread.submit(self._measure, batches, goes_on)

    @torch.inference_mode()
    def _measure(self, batches: Sequence[Batch], goes_on: bool) -> Scores:
        found = [(metas, detections.result()) for metas, detections in batches]
        with self._stopwatch('metric', wait=False):
            metrics = self._evaluator.metrics
            if not goes_on:
                for metric in metrics:
                    metric.results.clear()
            for metas, detections in found:
                pairs = zip(metas, detections, strict=True)
                samples = [{**meta, 'pred_instances': boxes} for meta, boxes in pairs]
                self._evaluator.process(data_samples=samples)
            # Not evaluator.evaluate: it gathers the results of all processes.
            return {
                name: float(value)
                for metric in metrics
                for name, value in metric.compute_metrics(metric.results).items()
            }
