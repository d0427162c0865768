"""Does the order of a supernet's scores agree with the order of networks trained from scratch?

    OMP_NUM_THREADS=1 python benchmarks/search/order_correlation.py --archs 24
    python benchmarks/search/order_correlation.py --table

Random archs of the supernet's space are scored with its weights on the held-out images, once for each way
of treating batch norm, and then trained from scratch, each by the config that tools/export_subnet.py writes.
Printed are the correlations (Spearman and Kendall) of the order of each way, and of the multiply-adds, with
that of hard AP on the validation images, with 95 % bootstrap intervals over the archs. With --seeds 2 each
arch is trained twice: truth is the mean, and the correlation of one training with the other shows how well
any score could do. The same command goes on where it was stopped; --table prints what there is, also while
it runs.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

from mmengine import Config
from torch import nn

from benchmarks.common.order_table import print_table
from benchmarks.common.scripts import add_demo_data, new_parser
from benchmarks.common.searches import build_search
from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.models import cost_table
from mmbfbox.pipeline.plan import Pipeline
from mmbfbox.pipeline.run import run
from mmbfbox.search import ReferenceScorer, recalibrate
from mmbfbox.search.scoring import reference as reference_module
from mmbfbox.search.scoring.recalibration import batch_norms
from mmbfbox.space import CostTable
from mmbfbox.space.draw import seed_of
from mmbfbox.utils.config import load_config
from mmbfbox.utils.files import atomic_write
from mmbfbox.utils.fingerprint import fingerprint

TOOLS = Path(__file__).resolve().parents[2] / 'tools'

Row = dict[str, Any]
Forward = Callable[[Any], object]


def recalibrate_layers(model: nn.Module, batches: Iterable[Any], forward: Forward) -> None:
    """Pool the moments of one layer over all images, normalise by them, go on to the next layer.

    That is what one batch of all images does; so it does not depend on how these are divided.
    """
    images: dict[str, list[Any]] = {}
    for batch in batches:
        for name, values in batch.items():
            images.setdefault(name, []).extend(values)
    recalibrate(model, [images], forward)


def keep_running(model: nn.Module, batches: Iterable[Any], forward: Forward) -> None:
    """Keep the supernet's running statistics, which mix all paths that it was trained on."""


def use_test_batches(model: nn.Module, batches: Iterable[Any], forward: Forward) -> None:
    """Normalise each batch of held-out images by its own statistics (mmrazor's SPOS configs)."""
    for layer in batch_norms(model):
        layer.train()


WAYS: dict[str, Callable[..., None]] = {
    'batches': recalibrate,
    'layers': recalibrate_layers,
    "supernet's own": keep_running,
    'test batch': use_test_batches,
}


def seed_of_archs(seed: int, stream: str) -> int:
    """The seed by which archs are drawn.

    By the seed itself they are those that a supernet of that seed saw in its first iterations; only results
    that were begun so go on so (``stream`` ``'training'``).
    """
    return seed if stream == 'training' else seed_of('orders', seed)


def draw(costs: CostTable, seed: int, number: int) -> list[Row]:
    """So many different archs, in the order in which the space draws them."""
    rows: dict[str, Row] = {}
    for index in range(1000 * number):
        arch = costs.space.sample(seed, index).canonical()
        row: Row = dict(arch=costs.space.to_json(arch), macs=costs.detector(arch).macs, trained={})
        rows.setdefault(row['arch'], row)
        if len(rows) == number:
            return list(rows.values())
    raise UserError(f'the space has no {number} archs; give a smaller --archs')


class FromScratch:
    """Trains archs from scratch and tests them, by the command lines and resumably.

    Args:
        args: the arguments of the benchmark.
        work_dir: gets a folder for each arch and seed.
    """

    def __init__(self, args: argparse.Namespace, work_dir: Path) -> None:
        self.args = args
        self.work_dir = work_dir
        self.config = str(load_config(args.search).final_config)

    def __call__(self, job: tuple[int, str, int]) -> dict[str, float]:
        """AP and seconds of an arch, by its number, its JSON and the seed of its training."""
        number, arch, seed = job
        start = time.perf_counter()
        folder = self.work_dir / f'{number:03d}' / f'seed{seed}'
        with atomic_write(folder / 'drawn.json') as path:
            path.write_text(arch)
        plan = self._plan(folder, seed)
        run(plan, TOOLS, self.args.redo, folder / 'steps.log')
        scores = Metrics.read(plan.steps['test'].done).short_scores()
        return {**scores, 'seconds': time.perf_counter() - start}

    def _plan(self, folder: Path, seed: int) -> Pipeline:
        plan = Pipeline(folder, Path(self.args.data))
        supernet, final = Path(self.args.supernet), load_config(self.config)
        network = plan.add_export(
            'network', folder / 'drawn.json', supernet, configs={'final': final},
            arguments=['--config', self.config, '--data-root', str(plan.data_root)],
        )  # fmt: skip
        iterations = self.args.iterations or final.train_cfg.max_iters
        options = [*self._schedule(final, iterations), f'randomness.seed={seed}']
        trained = plan.add_training(
            'training', network.done, iterations, arguments=['--cfg-options', *options]
        )
        plan.add_test('test', network.done, trained.done)
        return plan

    def _schedule(self, training: Config, iterations: int) -> list[str]:
        """The wanted number of iterations, with a schedule that is stretched to it."""
        stretch = iterations / training.train_cfg.max_iters
        # The test that follows says what a validation at the end would.
        none = ['val_cfg=None', 'val_dataloader=None', 'val_evaluator=None']
        return [*none, f'train_cfg.max_iters={iterations}'] + [
            f'param_scheduler.{number}.{key}={round(scheduler[key] * stretch)}'
            for number, scheduler in enumerate(training.param_scheduler)
            for key in ('begin', 'end', 'T_max')
            if key in scheduler
        ]


def score_and_train(args: argparse.Namespace, results: Path) -> None:
    """Score and train what is missing; every result is written at once.

    Raises:
        UserError: the work dir belongs to other settings, or a command fails.
    """
    config, weights, model = build_search(args.search, args.data, args.supernet)
    size = int(config.search.size[0]), int(config.search.size[1])
    costs = cost_table(model, size)
    settings = {key: getattr(args, key) for key in ('search', 'data', 'seed', 'iterations')}
    settings['supernet'] = fingerprint(Path(args.supernet).read_bytes())
    known: dict[str, Any] = dict(settings=settings, rows=[], stream='own')
    if results.exists():
        known = json.loads(results.read_text())
    stream = known.get('stream', 'training')
    rows = draw(costs, seed_of_archs(args.seed, stream), args.archs)
    if known['settings'] != settings:
        raise UserError(
            f'{results} was made with {known["settings"]}, now asked for are {settings}; '
            f'give another --work-dir'
        )
    # Of fewer archs than before the rest stays.
    rows = [*known['rows'], *rows[len(known['rows']) :]]

    def write() -> None:
        with atomic_write(results) as path:
            path.write_text(json.dumps(dict(settings=settings, rows=rows, stream=stream), indent=1))

    reference = ReferenceScorer(config, weights)
    for number, row in enumerate(rows[: args.archs]):
        if 'scores' not in row:
            arch, row_scores = costs.space.from_json(row['arch']), {}
            for name, way in WAYS.items():
                with patch.object(reference_module, 'recalibrate', way):
                    row_scores[name] = reference.score(arch)['hard']
            row['scores'] = row_scores
            write()
            shown = ', '.join(f'{name} {100 * score:.2f}' for name, score in row_scores.items())
            print(f'[{number + 1}/{args.archs} scored] hard AP: {shown}', flush=True)

    jobs = [
        (number, row['arch'], seed)
        for seed in range(args.seeds)
        for number, row in enumerate(rows[: args.archs])
        if str(seed) not in row['trained']
    ]
    start = time.perf_counter()
    with ThreadPoolExecutor(args.processes) as pool:
        trained = pool.map(FromScratch(args, results.parent), jobs)
        for done, (job, scores) in enumerate(zip(jobs, trained, strict=True), 1):
            rows[job[0]]['trained'][str(job[2])] = scores
            write()
            each = (time.perf_counter() - start) / done
            left = time.strftime('%H:%M:%S', time.gmtime(each * (len(jobs) - done)))
            print(
                f'[{done}/{len(jobs)} trained] arch {job[0]}, seed {job[2]}: hard AP '
                f'{100 * scores["hard"]:.2f}  {scores["seconds"]:.0f} s  {left} left',
                flush=True,
            )


@exit_on_user_error
def main() -> None:
    """Score, train and print."""
    parser = new_parser(__doc__)
    parser.add_argument(
        'search', nargs='?', default='demo/bfbox_search_demo', help='a search config'
    )
    add_demo_data(parser)
    parser.add_argument('--archs', type=int, default=24, help='how many archs')
    parser.add_argument('--seed', type=int, default=0, help='of the archs and of the bootstrap')
    parser.add_argument('--seeds', type=int, default=1, help='trainings of each arch')
    parser.add_argument(
        '--iterations',
        type=int,
        help="of each training, with the schedule stretched to it; the config's own by default",
    )
    parser.add_argument('--processes', type=int, default=1, help='trainings at a time')
    parser.add_argument('--work-dir', default='work_dirs/order_correlation', help='results')
    parser.add_argument(
        '--redo', action='store_true', help='make trainings of older configs or inputs anew'
    )
    parser.add_argument('--table', action='store_true', help='only print what there is')
    args = parser.parse_args()
    results = Path(args.work_dir) / 'rows.json'
    if not args.table:
        score_and_train(args, results)
    print_table(results, args.seed)


if __name__ == '__main__':
    main()
