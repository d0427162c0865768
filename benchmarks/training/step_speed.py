"""How fast and how large a training step is: the speed keys, and on a GPU the whole step.

    python benchmarks/training/step_speed.py                 # everything that this machine can measure
    python benchmarks/training/step_speed.py keys            # mixed precision, memory layout
    python benchmarks/training/step_speed.py step --batch 7  # images a second, memory, parts (a GPU)

What is compared takes turns in one run: only ratios within one run mean something.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import torch
from mmdet.models.detectors.base import BaseDetector
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from benchmarks.common.networks import batch, build, new_optimizer
from benchmarks.common.scripts import machine, new_parser, print_head, print_row
from benchmarks.common.timing import timed
from mmbfbox.datasets.demo.make import make_demo_data
from mmbfbox.models import active_arch, set_arch, space_of
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import set_data_root

PARTS = ('data', 'forward', 'backward', 'optimizer')
CASES = tuple(
    (name, precision)
    for name in ('paper/bfbox_supernet_wider_face', 'paper/retinanet_r50_fpn_wider_face')
    for precision in ('fp32', 'bf16')
)


def keys(args: argparse.Namespace) -> None:
    """A step of the demo's supernet with each speed key, the same paths and images for all."""
    images, samples = batch(8, 192, args.device)
    cases = [(last, half) for last in (False, True) for half in (False, True)]
    models = {case: build('demo/bfbox_supernet_demo', args.device) for case in cases}
    times: dict[tuple[bool, bool], list[float]] = {case: [] for case in cases}
    for case, model in models.items():
        if case[0]:
            model.to(memory_format=torch.channels_last)

    def one_step(case: tuple[bool, bool], model: BaseDetector) -> None:
        with torch.autocast(args.device, torch.bfloat16, enabled=case[1]):
            losses = model(images, samples, mode='loss')
        model.parse_losses(losses)[0].backward()
        model.zero_grad()

    for number in range(args.steps + 2):
        for case, model in models.items():
            set_arch(model, space_of(model).sample(0, number))
            _, seconds = timed(lambda case=case, model=model: one_step(case, model))
            times[case] += [seconds] if number >= 2 else []
    print('\ndemo/supernet, 8 x 192x192, forward and backward')
    print_head('channels-last', 'bf16', 'ms a step', 'as fast as without both')
    for case, seconds in times.items():
        pairs = zip(times[False, False], seconds, strict=True)
        gain = statistics.median(plain / keyed for plain, keyed in pairs)
        marks = ['yes' if key else 'no' for key in case]
        print_row(*marks, f'{1000 * statistics.median(seconds):.0f}', f'{gain:.2f} x')


def step(args: argparse.Namespace) -> None:
    """Images a second, memory and the share of each part, on the images of a folder."""
    if args.device == 'cpu' and not args.cpu:
        print(
            f'\nno GPU: with one, this would train {" and ".join(sorted({n for n, _ in CASES}))} in '
            f'fp32 and bf16, {args.batch} x 640x640 a step, and print images a second, peak memory '
            f'and the share of data, forward, backward and optimizer; --cpu tries it here'
        )
        return
    print(f'\n{args.batch} images a step, {args.workers} loader workers')
    print_head('network', 'precision', 'images/s', 'peak memory', *PARTS)
    with tempfile.TemporaryDirectory() as folder:
        data = args.data
        if data is None:
            make_demo_data(Path(folder) / 'data', seed=0, train=32, val=1, size=args.canvas)
            data = f'{folder}/data'
        for name, precision in CASES:
            speed, memory, shares = measure_step(name, precision, data, args)
            print_row(
                name, precision, f'{speed:.1f}', memory, *(f'{share:.0%}' for share in shares)
            )


def measure_step(
    name: str, precision: str, data: str, args: argparse.Namespace
) -> tuple[float, str, list[float]]:
    """Images a second; peak GPU memory; shares of :data:`PARTS`."""
    config = load_config(name)
    set_data_root(config, data)
    config.train_dataloader.update(batch_size=args.batch, num_workers=args.workers)
    config.train_dataloader.persistent_workers = args.workers > 0
    config.train_dataloader.dataset.part = None
    loader = iter(Runner.build_dataloader(config.train_dataloader, seed=0))
    model = build(name, args.device).to(memory_format=torch.channels_last)
    optimizer = new_optimizer(model)
    is_supernet = active_arch(model) is not None
    cast = torch.autocast(args.device, torch.bfloat16, enabled=precision == 'bf16')
    if args.device == 'cuda':
        torch.cuda.reset_peak_memory_stats()

    def one_step(number: int, synchronise: Callable[[], object]) -> list[float]:
        if is_supernet:
            set_arch(model, space_of(model).sample(0, number))
        times = [time.perf_counter()]
        images = model.data_preprocessor(next(loader), training=True)
        synchronise()
        times.append(time.perf_counter())
        with cast:
            losses = model(**images, mode='loss')
        loss, _ = model.parse_losses(losses)
        synchronise()
        times.append(time.perf_counter())
        loss.backward()
        synchronise()
        times.append(time.perf_counter())
        optimizer.step()
        optimizer.zero_grad()
        synchronise()
        return [*times, time.perf_counter()]

    wait = torch.cuda.synchronize if args.device == 'cuda' else (lambda: None)
    for number in range(args.warm_up):
        one_step(number, wait)
    wait()
    # The same paths twice: once free-running for the speed, once with a wait after each part.
    start = time.perf_counter()
    for number in range(args.steps):
        one_step(number, lambda: None)
    wait()
    speed = args.batch * args.steps / (time.perf_counter() - start)
    marks = torch.tensor([one_step(number, wait) for number in range(args.steps)])
    spent = marks.double().diff(dim=1).sum(0)
    peak = torch.cuda.max_memory_allocated() / 2**30 if args.device == 'cuda' else None
    memory = 'not measured' if peak is None else f'{peak:.1f} GiB'
    return speed, memory, (spent / spent.sum()).tolist()


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument('what', nargs='*', help='keys or step; both by default')
    parser.add_argument('--steps', type=int, default=12, help='steps to measure')
    parser.add_argument('--canvas', type=int, default=640, help='step: side of drawn images')
    parser.add_argument('--batch', type=int, default=7, help='step: images')
    parser.add_argument('--workers', type=int, default=8, help='step: loader workers')
    parser.add_argument('--warm-up', type=int, default=5, help='step: steps before measuring')
    parser.add_argument('--data', help='step: folder in WIDER layout; drawn images by default')
    parser.add_argument('--cpu', action='store_true', help='step: measure without a GPU')
    args = parser.parse_args()
    args.device = 'cuda' if torch.cuda.is_available() and not args.cpu else 'cpu'
    logging.disable(logging.WARNING)
    init_default_scope('mmdet')
    parts = dict(keys=keys, step=step)
    for name in args.what or parts:
        if name not in parts:
            parser.error(f'{name!r} is none of {", ".join(parts)}')
        parts[name](args)
    print(f'\n{machine(args.device)}')


if __name__ == '__main__':
    main()
