"""Metrics that are computed while the device goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch
from mmengine.evaluator import Evaluator

from mmbfbox.search.fast.detections import Detections
from mmbfbox.utils.stopwatch import Stopwatch

Scores = dict[str, float]
Metas = Sequence[Mapping[str, Any]]


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

    def __call__(self, batches: Sequence[tuple[Metas, Future[list[Detections]]]]) -> Future[Scores]:
        """What will hold the scores: of batches of images, with their meta keys and detections."""
        # A copy: the caller may add batches for its next question.
        return self._thread.submit(self._measure, list(batches))

    @torch.inference_mode()
    def _measure(self, batches: list[tuple[Metas, Future[list[Detections]]]]) -> Scores:
        found = [(metas, detections.result()) for metas, detections in batches]
        with self._stopwatch('metric', wait=False):
            metrics = self._evaluator.metrics
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
