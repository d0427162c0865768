"""Scorers by their names on a command line, each with what it took and what it found."""

from __future__ import annotations

import ast
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.models.detectors.single_stage import SingleStageDetector
from torch import Tensor, nn

from benchmarks.common.forward_passes import ForwardPasses
from benchmarks.common.searches import Search
from benchmarks.common.timing import timed
from mmbfbox.datasets import WiderFaceDataset
from mmbfbox.errors import UserError
from mmbfbox.evaluation.metrics import WiderFaceMetric
from mmbfbox.search import ReferenceScorer
from mmbfbox.search.scoring import reference as reference_module
from mmbfbox.search.scoring.fast import FastScorer
from mmbfbox.search.scoring.fast.norms import PathNorm
from mmbfbox.search.scoring.precision import HALF
from mmbfbox.space import Arch

PARTS = ('decode', 'recalibration', 'detector', 'post-processing', 'metric')
BESIDE = ('post-processing', 'metric')
"""What the fast scorer does in other threads, while the next candidate is computed."""


class ScorerRun:
    """One thing that is measured, candidate by candidate.

    Attributes:
        name: as on the command line.
        seconds: of each candidate.
        scores: AP of each candidate; stays empty if this one computes none.
        parts: seconds by part of :data:`PARTS`; empty if they are not measured.
        parts_of: candidates that ``parts`` are of.
        beside: parts that run in other threads, meanwhile.
        memory: GiB that the GPU has held at most.
    """

    beside: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str, score: Callable[[Arch], dict[str, float] | None]) -> None:
        self.name = name
        self.score = score
        self.seconds: list[float] = []
        self.scores: list[dict[str, float]] = []
        self.parts: dict[str, float] = {}
        self.parts_of = 0
        self.memory = 0.0

    def prepare(self, archs: Sequence[Arch]) -> None:
        """Get ready for these archs in their order."""

    def run(self, arch: Arch) -> None:
        """Score an arch, and note what it took.

        A GPU is not waited for: it has begun the next arch when the score of this one is there.
        """
        start = time.perf_counter()
        scores = self.score(arch)
        self.seconds.append(time.perf_counter() - start)
        self.parts_of += 1
        if scores is not None:
            self.scores.append(scores)

    def forget(self) -> None:
        """Start counting here: what came before warmed up."""
        for record in (self.seconds, self.scores, self.parts):
            record.clear()
        self.parts_of = 0

    def measure_parts(self, archs: Sequence[Arch]) -> None:
        """Measure the parts on these archs, the first of which warms up; by default nothing is."""

    def release(self) -> None:
        """Let go of the scorer and of its memory; what was measured stays."""
        self.parts = dict(self.parts)
        del self.score

    @property
    def mean(self) -> float:
        """Seconds a candidate."""
        return statistics.fmean(self.seconds)


class FastRun(ScorerRun):
    """The fast scorer; its parts are measured while its stopwatch is running, which a GPU is slowed by."""

    beside = BESIDE

    def __init__(self, name: str, scorer: FastScorer) -> None:
        super().__init__(name, scorer.score)
        self.scorer = scorer
        self.parts = scorer.stopwatch.seconds
        scorer.stopwatch.running = scorer.stopwatch.device.type == 'cpu'

    def prepare(self, archs: Sequence[Arch]) -> None:
        self.scorer.prepare(archs)

    def release(self) -> None:
        super().release()
        del self.scorer

    def measure_parts(self, archs: Sequence[Arch]) -> None:
        self.prepare(archs)
        self.scorer.score(archs[0])
        self.parts.clear()
        self.scorer.stopwatch.running = True
        for arch in archs[1:]:
            self.scorer.score(arch)
        self.scorer.stopwatch.running = False
        self.parts_of = len(archs) - 1


class ReferenceRun(ScorerRun):
    """The reference scorer; its parts are found by watching the functions that do them."""

    def __init__(self, name: str, scorer: ReferenceScorer, head: type[nn.Module]) -> None:
        super().__init__(name, scorer.score)
        self._inner = [0.0]
        self._places: list[tuple[str, Any, str]] = [
            ('decode', WiderFaceDataset, '__getitem__'),
            ('recalibration', reference_module, 'recalibrate'),
            ('detector', SingleStageDetector, 'extract_feat'),
            ('detector', head, 'forward'),
            ('post-processing', BaseDenseHead, 'predict_by_feat'),
            ('metric', WiderFaceMetric, 'process'),
            ('metric', WiderFaceMetric, 'compute_metrics'),
        ]

    def run(self, arch: Arch) -> None:
        with self._watching():
            super().run(arch)

    @contextmanager
    def _watching(self) -> Iterator[None]:
        originals = [(owner, name, getattr(owner, name)) for _, owner, name in self._places]
        for (part, owner, name), (*_, original) in zip(self._places, originals, strict=True):
            setattr(owner, name, self._measured(part, original))
        try:
            yield
        finally:
            for owner, name, original in originals:
                setattr(owner, name, original)

    def _measured(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, whose seconds count without those of measured ones that it calls."""

        def measured(*arguments: Any, **keys: Any) -> Any:
            start = time.perf_counter()
            self._inner.append(0.0)
            try:
                return function(*arguments, **keys)
            finally:
                seconds = time.perf_counter() - start
                own = seconds - self._inner.pop()
                self.parts[part] = self.parts.get(part, 0.0) + own
                self._inner[-1] += seconds

        return measured


def imitate(network: Any, precision: str) -> None:
    """Round what backbone and neck of a fast scorer's network compute to a half precision.

    Raises:
        UserError: it is no half precision.
    """
    if precision not in HALF:
        raise UserError(f'imitate is {precision!r}; set it to {" or ".join(HALF)}')

    def rounded(x: Tensor) -> Tensor:
        return x.to(HALF[precision]).float()

    for module in (*network.backbone.modules(), *network.neck.modules()):
        if isinstance(module, nn.Conv2d):
            module.weight.data = rounded(module.weight.data)
            module.register_forward_pre_hook(lambda _, inputs: (rounded(inputs[0]),))
        if isinstance(module, nn.Conv2d | PathNorm):
            module.register_forward_hook(lambda _, inputs, output: rounded(output))


def new_run(name: str, search: Search, device: str) -> ScorerRun:
    """What a name stands for: ``fast``, ``reference`` or ``forward``, with ``,KEY=VALUE`` of the scorer.

    ``fast,imitate=fp16`` rounds to a half precision where a GPU would compute in it.

    Raises:
        UserError: there is no such scorer, or it has no such key.
    """
    config, weights, model = search
    kind, *settings = name.split(',')
    keys = dict(_setting(name, setting) for setting in settings)
    rounding = keys.pop('imitate', None)
    try:
        if kind == 'reference':
            scorer = ReferenceScorer(config, weights, device, **keys)
            return ReferenceRun(name, scorer, type(model.bbox_head))
        if kind not in ('fast', 'forward'):
            raise UserError(f'there is no scorer {name!r}; name fast, reference or forward')
        fast = FastScorer(config, weights, device, **keys)
    except TypeError as error:
        raise UserError(
            f'{name!r} cannot be built ({error}); see the keys of that scorer'
        ) from error
    if rounding is not None:
        imitate(fast.network.model, rounding)
    if kind == 'fast':
        return FastRun(name, fast)
    pixels = [
        [fast.network.begin(resident.pixels(batch)).x for batch in range(len(resident))]
        for resident in fast._pixels.values()
    ]
    passes = ForwardPasses(model.to(device, memory_format=torch.channels_last), *pixels)
    return ScorerRun(name, lambda arch: timed(lambda: passes(arch))[0])


def _setting(name: str, text: str) -> tuple[str, Any]:
    key, equal, value = text.partition('=')
    if not equal:
        raise UserError(f'{name!r} has {text!r}, which is no setting; write KEY=VALUE')
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key, value
