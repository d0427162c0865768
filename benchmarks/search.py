"""The fast scorer beside the reference scorer and beside the forward passes that nobody can avoid.

    python benchmarks/search.py demo
    python benchmarks/search.py wide --data work_dirs/demo/data

``demo`` takes a trained supernet of configs/demo, ``wide`` one of the paper's space at half its width with
random weights. Scored are consecutive candidates of a random search of --population, in its own order. All
scorers take turns, candidate by candidate, so that what else the machine does hits all of them. "Forward
passes alone" is plain PyTorch: backbone of the recalibration images in training mode, whole detector on the
held-out images, going on from activations that the candidate before has computed as well.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.models.detectors.single_stage import SingleStageDetector
from search_setup import build_search, macs_with_reuse, wide_search
from torch import Tensor, nn

from mmbfbox.datasets import WiderFaceDataset
from mmbfbox.errors import exit_on_user_error
from mmbfbox.evaluation.metrics import WiderFaceMetric
from mmbfbox.models import cost_table, set_arch
from mmbfbox.search import ReferenceScorer
from mmbfbox.search.scoring import reference as reference_module
from mmbfbox.search.scoring.fast import FastScorer
from mmbfbox.search.scoring.fast.prefix import path_of, shared_length
from mmbfbox.space import Arch, CostTable

Scores = list[dict[str, float]]
PARTS = ('decode', 'recalibration', 'detector', 'post-processing', 'metric')
BESIDE = ('post-processing', 'metric')
"""What the fast scorer does in other threads, while the next candidate is computed."""


class Exclusive:
    """Seconds of functions, without those of the measured functions that they call."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self._inner = [0.0]

    def wrap(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*arguments: Any, **keys: Any) -> Any:
            start = time.perf_counter()
            self._inner.append(0.0)
            try:
                return function(*arguments, **keys)
            finally:
                seconds = time.perf_counter() - start
                self.seconds[part] += seconds - self._inner.pop()
                self._inner[-1] += seconds

        return measured

    @contextmanager
    def watching(self, *places: tuple[str, Any, str]) -> Iterator[None]:
        """Measure methods or functions: part, owner and name of each."""
        originals = [(owner, name, getattr(owner, name)) for _, owner, name in places]
        for part, owner, name in places:
            setattr(owner, name, self.wrap(part, getattr(owner, name)))
        yield
        for owner, name, original in originals:
            setattr(owner, name, original)


class ForwardPasses:
    """The forward passes that no scorer can avoid, and nothing else."""

    def __init__(
        self, model: nn.Module, recalibration: list[Tensor], held_out: list[Tensor]
    ) -> None:
        self.runs = [(copy.deepcopy(model).train(), recalibration, False)]
        self.runs.append((copy.deepcopy(model).eval(), held_out, True))
        self.path: tuple[str, ...] = ()
        self.known: dict[tuple[bool, int], list[Tensor]] = {}

    @torch.inference_mode()
    def __call__(self, arch: Arch) -> None:
        path = path_of(arch)
        depth = shared_length(path, self.path)
        self.path = path
        for model, batches, whole in self.runs:
            set_arch(model, arch)
            backbone = model.backbone
            units = [
                lambda x, b=backbone: b.pool(b.stem(x)),
                *(s for g in backbone.stages for s in g),
            ]
            ends = [
                1 + sum(len(g) for g in backbone.stages[: i + 1])
                for i in range(len(backbone.stages))
            ]
            for number, pixels in enumerate(batches):
                outputs = self.known.setdefault((whole, number), [pixels])
                del outputs[depth + 1 :]
                for unit in units[depth:]:
                    outputs.append(unit(outputs[-1]))
                if whole:
                    model.bbox_head(model.neck([outputs[end] for end in ends]))


def share_saved(costs: CostTable, population: int, images: tuple[int, int]) -> float:
    """Share of the multiply-adds of a random search that prefix reuse saves."""
    archs = {costs.space.sample(0, index) for index in range(population)}
    total, rest = macs_with_reuse(costs, sorted(archs, key=path_of), images)
    return 1 - rest / total


def compare(config: Any, weights: dict[str, Tensor], model: nn.Module, args: Any) -> None:
    """Score the same candidates by all scorers in turns, and print what it took."""
    costs = cost_table(model, tuple(config.search.size))
    fast = FastScorer(config, weights, 'cpu')
    archs = fast.order({costs.space.sample(0, index) for index in range(args.population)})
    first = len(archs) // 2
    archs = archs[first - 1 : first + args.candidates]
    reference = ReferenceScorer(config, weights, 'cpu')
    plain = ReferenceScorer(config, weights, 'cpu', channels_last=False)
    pixels = [
        [fast.network.begin(resident.pixels(batch)).x for batch in range(len(resident))]
        for resident in fast._pixels.values()
    ]
    forward = ForwardPasses(model.to(memory_format=torch.channels_last), *pixels)

    watch = Exclusive()
    seconds: dict[str, list[float]] = {}
    scores: dict[str, Scores] = {name: [] for name in ('reference scorer', 'fast scorer')}

    def timed(name: str, run: Callable[[Arch], Any], arch: Arch) -> Any:
        start = time.perf_counter()
        result = run(arch)
        seconds.setdefault(name, []).append(time.perf_counter() - start)
        return result

    for place, arch in enumerate(archs):
        # The first one warms up.
        if place == 1:
            for record in (seconds, watch.seconds, *scores.values()):
                record.clear()
            watch.seconds |= dict.fromkeys(PARTS, 0.0)
            fast.stopwatch.seconds.clear()
            fast.stopwatch.running = True

        with watch.watching(
            ('decode', WiderFaceDataset, '__getitem__'),
            ('recalibration', reference_module, 'recalibrate'),
            ('detector', SingleStageDetector, 'extract_feat'),
            ('detector', type(model.bbox_head), 'forward'),
            ('post-processing', BaseDenseHead, 'predict_by_feat'),
            ('metric', WiderFaceMetric, 'process'),
            ('metric', WiderFaceMetric, 'compute_metrics'),
        ):
            scores['reference scorer'].append(timed('reference scorer', reference.score, arch))
        scores['fast scorer'].append(timed('fast scorer', fast.score, arch))
        timed('forward passes alone', forward, arch)
        if place <= args.candidates // 5:
            timed("reference scorer, torch's default layout", plain.score, arch)
    report(seconds, scores, watch.seconds, fast.stopwatch.seconds)
    images = len(fast.images['recalibration']), len(fast.images['held_out'])
    sizes = (100, 1000, 10000)
    shares = ' | '.join(f'{100 * share_saved(costs, size, images):.0f} %' for size in sizes)
    print('\n| multiply-adds saved by prefix reuse | 100 candidates | 1,000 | 10,000 |')
    print(f'|---|---|---|---|\n| random search | {shares} |')


def report(
    seconds: dict[str, list[float]],
    scores: dict[str, Scores],
    reference: dict[str, float],
    fast: dict[str, float],
) -> None:
    """Print the tables."""
    number = len(seconds['fast scorer'])
    mean = {name: statistics.fmean(values) for name, values in seconds.items()}
    pairs = zip(scores['reference scorer'], scores['fast scorer'], strict=True)
    difference = max(abs(a[key] - b[key]) for a, b in pairs for key in a if a[key] == a[key])
    print(f'\n{number} candidates; largest difference in AP between the scorers {difference:.2g}\n')
    print(
        '| | seconds a candidate | candidates an hour | of the fast scorer | of the forward passes |'
    )
    print('|---|---|---|---|---|')
    for name, value in mean.items():
        print(
            f'| {name} | {value:.3f} | {3600 / value:.0f} | {value / mean["fast scorer"]:.2f} x | '
            f'{value / mean["forward passes alone"]:.2f} x |'
        )
    print('\n| seconds a candidate | ' + ' | '.join(PARTS) + ' | the rest |')
    print('|---' * (len(PARTS) + 2) + '|')
    for name, parts, beside in (('reference scorer', reference, ()), ('fast scorer', fast, BESIDE)):
        values = {part: parts.get(part, 0.0) / number for part in PARTS}
        rest = mean[name] - sum(value for part, value in values.items() if part not in beside)
        cells = [f'({v:.3f})' if part in beside else f'{v:.3f}' for part, v in values.items()]
        print(f'| {name} | {" | ".join(cells)} | {rest:.3f} |')
    print('In brackets: in other threads, meanwhile.')


@exit_on_user_error
def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('supernet_kind', choices=('demo', 'wide'))
    parser.add_argument('--data', default='work_dirs/demo/data', help='folder in WIDER layout')
    parser.add_argument('--supernet', default='work_dirs/demo/supernet/iter_500.pth')
    parser.add_argument('--candidates', type=int, default=50)
    parser.add_argument('--population', type=int, default=1000, help='candidates of the search')
    args = parser.parse_args()
    if args.supernet_kind == 'demo':
        search = build_search('demo/bfbox_search_demo', args.data, args.supernet)
    else:
        search = wide_search(args.data)
    compare(*search, args)


if __name__ == '__main__':
    main()
