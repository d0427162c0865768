"""The fast scorer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import torch
from mmengine import Config
from mmengine.device import get_device
from mmengine.evaluator import Evaluator
from torch import Tensor

from mmbfbox.errors import UserError
from mmbfbox.search.fast.detections import detect
from mmbfbox.search.fast.images import ResidentImages
from mmbfbox.search.fast.memory import default_memory, to_bytes
from mmbfbox.search.fast.network import ResidentSupernet
from mmbfbox.search.fast.prefix import Path, PrefixCache, branch_depths, path_of, shared_length
from mmbfbox.search.precision import float32_arithmetic
from mmbfbox.search.scorer import build_dataset, check_config, image_names
from mmbfbox.search.scoring import DEFAULT_PARTS, Keep, batches_in_parts, check_finite
from mmbfbox.space import Arch
from mmbfbox.utils.stopwatch import Stopwatch


class FastScorer:
    """Gives the scores of :class:`~mmbfbox.search.scorer.ReferenceScorer`, several times faster.

    One supernet and all images stay in memory. Archs are best scored in :meth:`order`: what a path has in
    common with the one before, activations and batch-norm statistics, is not computed again. The
    supernet's own weights and statistics are never written to.

    Args:
        config: config of the search, see the reference scorer.
        weights: state dict of the supernet.
        device: where to compute. Defaults to the device that mmengine finds.
        parts: parts of the held-out images, see :meth:`score`. Defaults to 4.
        channels_last: memory layout of the network. Defaults to True.
        precision: ``'fp32'``, ``'tf32'`` (NVIDIA GPUs) or ``'bf16'``. Defaults to ``'fp32'``.
        batch_size: held-out images that are scored at once. Defaults to that of ``held_out_dataloader``.
            Images to recalibrate on keep the batches of ``recalibration_dataloader``: they are part of
            what a score means.
        cache_memory: GiB for activations that following archs use again; 0 keeps none. Defaults to 40 %
            of the memory that is free, divided by the processes that share it.
        image_memory: GiB for decoded images; those beyond it are read again for each arch. Defaults to
            a fourth of what ``cache_memory`` defaults to.

    Attributes:
        images: names of the images that scores depend on.
        stopwatch: measures the parts of the work, if told to.

    Raises:
        UserError: the config lacks a key or is not a supernet's, or an argument is out of range.
    """

    def __init__(
        self,
        config: Config,
        weights: dict[str, Tensor],
        device: str | None = None,
        parts: int = DEFAULT_PARTS,
        channels_last: bool = True,
        precision: str = 'fp32',
        batch_size: int | None = None,
        cache_memory: float | None = None,
        image_memory: float | None = None,
    ) -> None:
        check_config(config)
        if batch_size is not None and (not isinstance(batch_size, int) or batch_size < 1):
            raise UserError(f'search.scorer.batch_size is {batch_size!r}; set it to 1 or more')
        device = device or str(get_device())
        self.precision = precision
        self.weights = weights
        self.network = ResidentSupernet(config, weights, device, precision, channels_last)
        self.stopwatch = Stopwatch(device, running=False)
        self._finite = all(
            tensor.isfinite().all() for name, tensor in weights.items() if '.running_' not in name
        )
        free = default_memory(device)
        self.cache = PrefixCache(to_bytes('cache_memory', cache_memory, free))
        budget = to_bytes('image_memory', image_memory, free / 4)
        recalibration = config.recalibration_dataloader
        self.images: dict[str, list[str]] = {}
        self._pixels: dict[str, ResidentImages] = {}
        self._read('recalibration', recalibration, parts=1, size=None, budget=budget)
        left = budget - self._pixels['recalibration'].bytes
        held_out = config.held_out_dataloader
        self._parts = self._read('held_out', held_out, parts, batch_size, left)
        self._evaluator = Evaluator(config.held_out_evaluator)
        self._evaluator.dataset_meta = self._pixels['held_out'].dataset.metainfo
        self._path: Path = ()
        self._queue: deque[Path] = deque()

    def _read(
        self, name: str, loader: Any, parts: int, size: int | None, budget: float
    ) -> list[list[int]]:
        """Keep the images of a loader in memory; return the numbers of the batches of each part."""
        dataset = build_dataset(loader, name)
        self.images[name] = image_names(dataset)
        divided = batches_in_parts(len(dataset), size or loader.get('batch_size', 1), parts)
        batches = [batch for part in divided for batch in part]
        preprocessor = self.network.model.data_preprocessor
        self._pixels[name] = ResidentImages(
            dataset, batches, preprocessor, self.stopwatch.device, budget
        )
        numbers = iter(range(len(batches)))
        return [[next(numbers) for _ in part] for part in divided]

    def order(self, archs: Iterable[Arch]) -> list[Arch]:
        """The archs in prefix order: those that begin alike stand together."""
        ordered = sorted(archs, key=path_of)
        self._queue = deque(map(path_of, ordered))
        return ordered

    @torch.inference_mode()
    def score(self, arch: Arch, keep: Keep | None = None) -> dict[str, float]:
        """AP of ``easy``, ``medium`` and ``hard`` on the held-out images, as fractions.

        Args:
            arch: an arch of the supernet's space.
            keep: asked after each part of the images but the last; on False AP so far is returned.

        Raises:
            ScoreError: the subnet's weights or activations are not finite.
        """
        if not self._finite:
            check_finite(self.weights, arch)
        path = path_of(arch)
        known = shared_length(path, self._path)
        # Until all of it is known again, only this much of the path is.
        self._path = path[:known]
        self.cache.cut(known)
        if path in self._queue:
            while self._queue.popleft() != path:
                pass
        wanted = branch_depths(path, self._queue) | {1}
        self.network.set_arch(arch)
        with float32_arithmetic(self.precision):
            self._recalibrate(known, wanted)
            self._path = path
            return self._evaluate(wanted, keep)

    def _recalibrate(self, known: int, wanted: set[int]) -> None:
        """Pool the statistics of the units after the first ``known`` ones."""
        network = self.network
        new = [norm for unit in range(known, network.units) for norm in network.norms(unit)]
        if not new:
            return
        batches = len(self._pixels['recalibration'])
        with self.stopwatch('recalibration'), network.normalised_by_batch():
            for norm in new:
                norm.begin(batches)
            for batch in range(batches):
                network.number_batch(batch)
                self._run('recalibration', batch, wanted)
            for norm in new:
                norm.finish()

    def _run(self, name: str, batch: int, wanted: set[int]) -> tuple[Tensor, ...]:
        """Send a batch through the backbone, from the deepest activations that are there.

        Returns:
            The outputs of the stages; of held-out images only.
        """
        held_out = name == 'held_out'
        unit, activations = self.cache.deepest((name, batch))
        if activations is None:
            activations = self.network.begin(self._pixels[name].pixels(batch))
        while unit < self.network.units:
            activations = self.network.advance(activations, unit, keep_maps=held_out)
            unit += 1
            # Nothing more is done with images to recalibrate on when they have come to the end.
            if unit in wanted and (held_out or unit < self.network.units):
                self.cache.keep((name, batch), unit, activations)
        return activations.maps

    def _evaluate(self, wanted: set[int], keep: Keep | None) -> dict[str, float]:
        """Detect on the held-out images, part by part, and measure."""
        metrics = self._evaluator.metrics
        for metric in metrics:
            metric.results.clear()
        images = 0
        # If nobody asks in between, the parts are one.
        parts = self._parts if keep else [[batch for part in self._parts for batch in part]]
        for number, part in enumerate(parts, 1):
            # The CPU suppresses boxes while the device goes on.
            finishing = [self._detect(batch, wanted) for batch in part]
            images += sum(finish() for finish in finishing)
            with self.stopwatch('metric'):
                # Not evaluator.evaluate: it gathers the results of all processes.
                scores = {
                    name: float(value)
                    for metric in metrics
                    for name, value in metric.compute_metrics(metric.results).items()
                }
            if keep and number < len(parts) and not keep(images, scores):
                break
        return scores

    def _detect(self, batch: int, wanted: set[int]) -> Callable[[], int]:
        """Detect on one batch; what is returned hands it to the metrics and counts its images."""
        with self.stopwatch('detector'):
            scores, deltas = self.network.outputs(self._run('held_out', batch, wanted))
        with self.stopwatch('post-processing'):
            metas = [sample.metainfo for sample in self._pixels['held_out'].samples[batch]]
            detections = detect(self.network.model.bbox_head, scores, deltas, metas)

        def finish() -> int:
            with self.stopwatch('post-processing'):
                found = detections()
            with self.stopwatch('metric'):
                pairs = zip(metas, found, strict=True)
                samples = [{**meta, 'pred_instances': boxes} for meta, boxes in pairs]
                self._evaluator.process(data_samples=samples)
            return len(samples)

        return finish
