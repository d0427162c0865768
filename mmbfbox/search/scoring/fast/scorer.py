"""The fast scorer."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from mmengine import Config
from mmengine.device import get_device
from torch import Tensor

from mmbfbox.errors import UserError
from mmbfbox.search.scoring.data import (
    batch_sizes,
    build_dataset,
    check_config,
    image_names,
    recalibration_loader,
)
from mmbfbox.search.scoring.fast.detections import detect
from mmbfbox.search.scoring.fast.images import ResidentImages
from mmbfbox.search.scoring.fast.machine import default_memory, to_bytes
from mmbfbox.search.scoring.fast.measuring import Batch, Measuring, Scores
from mmbfbox.search.scoring.fast.network import ResidentSupernet
from mmbfbox.search.scoring.fast.prefix import (
    PrefixCache,
    UnitPath,
    branch_depths,
    path_of,
    shared_length,
)
from mmbfbox.search.scoring.interface import (
    DEFAULT_PARTS,
    Keep,
    ScoreError,
    batches_in_parts,
    check_finite,
)
from mmbfbox.search.scoring.precision import float32_arithmetic
from mmbfbox.space import Arch
from mmbfbox.utils.stopwatch import Stopwatch


class FastScorer:
    """Gives the scores of :class:`~mmbfbox.search.scoring.reference.ReferenceScorer`, several times faster.

    One supernet and all images stay in memory. Archs are best scored in :meth:`prepare`: what a path has in
    common with the one before, activations and batch-norm statistics, is not computed again. The
    supernet's own weights and statistics are never written to.

    Args:
        config: config of the search, see the reference scorer.
        weights: state dict of the supernet.
        device: where to compute. Defaults to the device that mmengine finds.
        parts: parts of the held-out images, see :meth:`score`. Defaults to 4.
        channels_last: memory layout of the network. Defaults to True.
        precision: ``'fp32'``, ``'bf16'``, or on NVIDIA GPUs ``'tf32'`` or ``'fp16'``. Defaults to ``'fp32'``.
        batch_size: held-out images that are scored at once. Defaults to that of ``held_out_dataloader``.
            Images to recalibrate on keep their batches: they are part of
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

    SPEED_ONLY: ClassVar[frozenset[str]] = frozenset({'cache_memory', 'image_memory'})

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
        self.images: dict[str, list[str]] = {}
        self._pixels: dict[str, ResidentImages] = {}
        self._read('recalibration', recalibration_loader(config), parts=1, size=None, budget=budget)
        left = budget - self._pixels['recalibration'].bytes
        self._parts = self._read('held_out', config.held_out_dataloader, parts, batch_size, left)
        metainfo = self._pixels['held_out'].dataset.metainfo
        self._measure = Measuring(config.held_out_evaluator, metainfo, self.stopwatch)
        self._identity = dict(batch_sizes(config, batch_size), type='fast', parts=parts)
        self._identity.update(channels_last=channels_last, precision=precision)
        self._path: UnitPath = ()
        self._queue: deque[Arch] = deque()
        self._ahead: tuple[Arch, Future[Scores]] | None = None

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

    def identity(self) -> dict[str, Any]:
        """What scores depend on; how much memory is used is not part of it."""
        return dict(self._identity)

    def prepare(self, archs: Iterable[Arch]) -> list[Arch]:
        """The archs in prefix order, in which those that begin alike stand together."""
        ordered = sorted(archs, key=path_of)
        self._queue = deque(ordered)
        return ordered

    @torch.inference_mode()
    def score(self, arch: Arch, keep: Keep | None = None) -> dict[str, float]:
        """AP of ``easy``, ``medium`` and ``hard`` on the held-out images, as fractions.

        While the CPU measures, the device goes on with the next arch of :meth:`prepare`.

        Args:
            arch: an arch of the supernet's space.
            keep: asked after each part of the images but the last; on False AP so far is returned.
                Nothing is computed ahead then.

        Raises:
            ScoreError: the subnet's weights or activations are not finite.
        """
        ahead, self._ahead = self._ahead, None
        if keep is not None:
            return self._score_in_parts(arch, keep)
        scores = ahead[1] if ahead and ahead[0] == arch else self._begin(arch)
        if self._queue:
            following = self._queue[0]
            self._ahead = following, self._begin(following)
        return scores.result()

    def _begin(self, arch: Arch) -> Future[Scores]:
        """Let the device compute an arch; threads measure what comes of it."""
        try:
            with self._active(arch) as wanted:
                return self._measure(
                    [self._detect(batch, wanted) for part in self._parts for batch in part]
                )
        except Exception as error:  # it is this arch's, and told when its score is asked for
            failed: Future[Scores] = Future()
            failed.set_exception(error)
            return failed

    def _score_in_parts(self, arch: Arch, keep: Keep) -> Scores:
        """Score part by part, as long as ``keep`` says so."""
        with self._active(arch) as wanted:
            images = 0
            for number, part in enumerate(self._parts, 1):
                batches = [self._detect(batch, wanted) for batch in part]
                scores = self._measure(batches, goes_on=number > 1).result()
                images += sum(len(metas) for metas, _ in batches)
                if number < len(self._parts) and not keep(images, scores):
                    break
            return scores

    @contextmanager
    def _active(self, arch: Arch) -> Iterator[set[int]]:
        """Make an arch the active path, recalibrated.

        Yields:
            The depths whose activations following archs will use.

        Raises:
            ScoreError: its weights or activations are not finite.
        """
        if arch in self._queue:
            while self._queue.popleft() != arch:
                pass
        if not self._finite:
            check_finite(self.weights, arch)
        path = path_of(arch)
        known = shared_length(path, self._path)
        # Until all of it is known again, only this much of the path is.
        self._path = path[:known]
        self.cache.cut(known)
        wanted = branch_depths(path, map(path_of, self._queue)) | {1}
        self.network.set_arch(arch)
        with float32_arithmetic(self.precision):
            try:
                self._recalibrate(known, wanted)
            except ScoreError as error:
                if self.precision == 'fp16':
                    raise ScoreError(f'{error}, or set search.scorer.precision to bf16') from error
                raise
            self._path = path
            yield wanted

    def _recalibrate(self, known: int, wanted: set[int]) -> None:
        """Pool the statistics of the units after the first ``known`` ones."""
        network = self.network
        new = [norm for unit in range(known, network.units) for norm in network.norms(unit)]
        if not new:
            return
        batches = len(self._pixels['recalibration'])
        with self.stopwatch('recalibration'), network.recalibration.of(new, batches):
            for batch in range(batches):
                network.recalibration.batch = batch
                self._run('recalibration', batch, wanted)

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

    def _detect(self, batch: int, wanted: set[int]) -> Batch:
        """Detect on one batch of held-out images: their meta keys, and what will hold the boxes."""
        with self.stopwatch('detector'):
            scores, deltas = self.network.outputs(self._run('held_out', batch, wanted))
        metas = [sample.metainfo for sample in self._pixels['held_out'].samples[batch]]
        head = self.network.model.bbox_head
        return metas, detect(head, scores, deltas, metas, self.stopwatch)
