"""How fast and how large a training step is: ranks, assignment, and on a GPU the whole step.

    python benchmarks/training.py                 # everything that this machine can measure
    python benchmarks/training.py wrapper         # two gloo processes, PathDataParallel against DDP
    python benchmarks/training.py assignment      # 2,000 faces, 34 k anchors
    python benchmarks/training.py keys            # mixed precision, memory layout
    python benchmarks/training.py step --batch 7  # images a second, memory, share of each part (a GPU)

What is compared takes turns in one run: only ratios within one run mean something.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import torch
from mmdet.models.task_modules.assigners import MaxIoUAssigner
from mmdet.registry import MODELS, TASK_UTILS
from mmengine.model import MMDistributedDataParallel
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmengine.structures import InstanceData
from supernet_step import batch
from torch import distributed as dist
from torch import nn

from mmbfbox.datasets.demo_data import make_demo_data
from mmbfbox.engine import PathDataParallel
from mmbfbox.models import FaceAssigner, active_arch, set_arch, space_of
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import set_data_root

MIB = 2**20


def build(name: str, device: str = 'cpu') -> nn.Module:
    """A config's detector, in training mode."""
    torch.manual_seed(0)
    return MODELS.build(load_config(name).model).to(device).train()


# --- two processes ---------------------------------------------------------------------------------


def wrapper_rank(rank: int, args: argparse.Namespace) -> None:
    """One of two ranks: both wrappers take turns, step by step, on the same paths."""
    init_default_scope('mmdet')
    torch.set_num_threads(1)
    store = f'file://{args.store}'
    dist.init_process_group('gloo', init_method=store, rank=rank, world_size=2)
    sent: dict[str, float] = {}

    # Without annotations: torch compares them with types, and finds text.
    def count(state, bucket):
        """DDP's own reduction, counted."""
        sent['ddp'] += bucket.buffer().nbytes
        buffer = bucket.buffer().div_(dist.get_world_size())
        work = dist.all_reduce(buffer, async_op=True)
        return work.get_future().then(lambda future: future.value()[0])

    networks: dict[str, nn.Module] = {
        'path': PathDataParallel(build(args.config), check_interval=50),
        'ddp': MMDistributedDataParallel(
            build(args.config), broadcast_buffers=False, find_unused_parameters=True
        ),
    }
    if args.count:
        networks['ddp'].register_comm_hook(None, count)
    optimizers = {
        name: torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-5)
        for name, network in networks.items()
    }
    images, samples = batch(2, args.size)
    rows = []
    for step in range(args.steps + 1):
        row = {}
        for name in sorted(networks, reverse=bool(step % 2)):
            network = networks[name]
            set_arch(network.module, space_of(network.module).sample(0, step))
            sent['ddp'], before = 0, networks['path'].reducer.bytes_reduced
            dist.barrier()
            start = time.perf_counter()
            losses = network(images, samples, mode='loss')
            network.module.parse_losses(losses)[0].backward()
            optimizers[name].step()
            row[f'{name} seconds'] = time.perf_counter() - start
            gradients = [p.grad for p in network.parameters() if p.grad is not None]
            row['active bytes'] = sum(gradient.nbytes for gradient in gradients)
            row[f'{name} bytes'] = (
                networks['path'].reducer.bytes_reduced - before if name == 'path' else sent['ddp']
            )
            optimizers[name].zero_grad()
        rows.append(row)
    if rank == 0:
        torch.save(rows[1:], args.result)
    dist.destroy_process_group()


def wrapper(args: argparse.Namespace) -> None:
    """Bytes reduced and time of a step."""
    tables = {}
    for what in ('bytes', 'seconds'):
        # DDP's bytes are counted in a run of their own: the count would slow it down.
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, '--size', str(args.size)]
            command += ['--steps', str(args.steps if what == 'seconds' else 3)]
            command += ['--config', args.config, '--store', f'{folder}/store']
            command += ['--result', f'{folder}/rows', *(['--count'] if what == 'bytes' else [])]
            ranks = [subprocess.Popen([*command, '--rank', str(rank)]) for rank in range(2)]
            if any([process.wait() for process in ranks]):
                sys.exit('a rank failed')
            tables[what] = torch.load(f'{folder}/rows', weights_only=True)
    rows = tables['bytes']
    active = statistics.mean(row['active bytes'] for row in rows)
    ratio = max(row['path bytes'] / row['active bytes'] for row in rows)
    print(f'\n{args.config}, 2 x {args.size}x{args.size} a rank, 2 gloo processes, one thread each')
    print('| wrapper | MiB reduced a step | of the active gradients | seconds a step |')
    print('|---|---|---|---|')
    titles = dict(path='PathDataParallel', ddp='DDP, find_unused_parameters=True')
    for name, title in titles.items():
        sent = statistics.mean(row[f'{name} bytes'] for row in rows)
        seconds = statistics.median(row[f'{name} seconds'] for row in tables['seconds'])
        print(f'| {title} | {sent / MIB:.1f} | {sent / active:.3f} x | {seconds:.2f} |')
    pairs = [row['ddp seconds'] / row['path seconds'] for row in tables['seconds']]
    print(
        f'largest ratio of reduced to active bytes: {ratio:.4f}; '
        f'a step of DDP takes {statistics.median(pairs):.2f} x as long '
        f'(median over {len(pairs)} pairs of steps)'
    )


# --- assignment ------------------------------------------------------------------------------------


class PeakMemory:
    """Bytes that tensors take beyond what is there at the start, at their highest."""

    def __enter__(self) -> PeakMemory:
        self._profile = torch.profiler.profile(profile_memory=True)
        self._profile.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._profile.__exit__(*error)
        now = self.bytes = 0
        for event in self._profile.profiler.kineto_results.events():
            if event.name() == '[memory]':
                now += event.nbytes()
                self.bytes = max(self.bytes, now)


def assignment(args: argparse.Namespace) -> None:
    """FaceAssigner against mmdet's MaxIoUAssigner with the same rule on a crowded image."""
    config = load_config('paper/supernet').model.bbox_head.anchor_generator
    levels = [(args.canvas >> shift, args.canvas >> shift) for shift in range(2, 8)]
    anchors = torch.cat(TASK_UTILS.build(config).grid_priors(levels, device='cpu'))
    generator = torch.Generator().manual_seed(0)
    sides = 8 * 2 ** (3 * torch.rand(args.faces, 1, generator=generator))
    corners = torch.rand(args.faces, 2, generator=generator) * (args.canvas - sides)
    faces = InstanceData(
        bboxes=torch.cat([corners, corners + sides * torch.tensor([1.0, 1.25])], 1),
        labels=torch.zeros(args.faces, dtype=torch.long),
    )
    priors = InstanceData(priors=anchors)
    matrix = len(anchors) * args.faces * 4
    assigners = {
        'mmdet MaxIoUAssigner': MaxIoUAssigner(0.35, 0.35, min_pos_iou=0, gt_max_assign_all=False),
        'FaceAssigner': FaceAssigner(),
    }
    print(
        f'\n{args.faces} faces, {len(anchors)} anchors; the IoU matrix alone takes '
        f'{matrix / MIB:.0f} MiB'
    )
    print('| assigner | peak memory | of the matrix | seconds |')
    print('|---|---|---|---|')
    results = {}
    for name, assigner in assigners.items():
        with PeakMemory() as peak:
            results[name] = assigner.assign(priors, faces)
        seconds = statistics.median(
            timed(lambda assigner=assigner: assigner.assign(priors, faces)) for _ in range(3)
        )
        share = peak.bytes / matrix
        print(f'| {name} | {peak.bytes / MIB:.1f} MiB | {share:.3f} | {seconds:.2f} |')
    theirs, ours = results.values()
    equal = all(
        torch.equal(getattr(theirs, key), getattr(ours, key))
        for key in ('gt_inds', 'labels', 'max_overlaps')
    )
    print(f'labels, faces and IoU of all anchors are {"equal" if equal else "DIFFERENT"}')


def timed(action: Callable[[], object]) -> float:
    """Seconds that an action takes, on the device as well."""
    start = time.perf_counter()
    action()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


# --- speed keys ------------------------------------------------------------------------------------


def keys(args: argparse.Namespace) -> None:
    """A step of the demo's supernet with each speed key, the same paths and images for all."""
    images, samples = batch(8, 192)
    images, samples = images.to(args.device), [sample.to(args.device) for sample in samples]
    cases = [(last, half) for last in (False, True) for half in (False, True)]
    models = {case: build('demo/supernet', args.device) for case in cases}
    times: dict[tuple[bool, bool], list[float]] = {case: [] for case in cases}
    for case, model in models.items():
        if case[0]:
            model.to(memory_format=torch.channels_last)

    def one_step(case: tuple[bool, bool], model: nn.Module) -> None:
        with torch.autocast(args.device, torch.bfloat16, enabled=case[1]):
            losses = model(images, samples, mode='loss')
        model.parse_losses(losses)[0].backward()
        model.zero_grad()

    for number in range(args.steps + 2):
        for case, model in models.items():
            set_arch(model, space_of(model).sample(0, number))
            seconds = timed(lambda case=case, model=model: one_step(case, model))
            times[case] += [seconds] if number >= 2 else []
    print('\ndemo/supernet, 8 x 192x192, forward and backward')
    print('| channels-last | bf16 | ms a step | as fast as without both |')
    print('|---|---|---|---|')
    for case, seconds in times.items():
        pairs = zip(times[False, False], seconds, strict=True)
        gain = statistics.median(plain / keyed for plain, keyed in pairs)
        marks = ' | '.join('yes' if key else 'no' for key in case)
        print(f'| {marks} | {1000 * statistics.median(seconds):.0f} | {gain:.2f} x |')


# --- the whole step --------------------------------------------------------------------------------


PARTS = ('data', 'forward', 'backward', 'optimizer')
CASES = tuple(
    (name, precision)
    for name in ('paper/supernet', 'paper/retinanet_r50')
    for precision in ('fp32', 'bf16')
)


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
    print(f'| network | precision | images/s | peak memory | {" | ".join(PARTS)} |')
    print(f'|---|---|---|---|{"---|" * len(PARTS)}')
    with tempfile.TemporaryDirectory() as folder:
        data = args.data
        if data is None:
            make_demo_data(Path(folder) / 'data', seed=0, train=32, val=1, size=args.canvas)
            data = f'{folder}/data'
        for name, precision in CASES:
            speed, memory, shares = measure_step(name, precision, data, args)
            parts = ' | '.join(f'{share:.0%}' for share in shares)
            print(f'| {name} | {precision} | {speed:.1f} | {memory} | {parts} |', flush=True)


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
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9, weight_decay=5e-5)
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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'what', nargs='*', help='wrapper, assignment, keys or step; all four by default'
    )
    parser.add_argument('--config', default='paper/supernet', help='wrapper: the supernet')
    parser.add_argument('--size', type=int, default=128, help='wrapper: image side in pixels')
    parser.add_argument('--steps', type=int, default=12, help='steps to measure')
    parser.add_argument('--faces', type=int, default=2000, help='assignment: faces on the image')
    parser.add_argument('--canvas', type=int, default=640, help='assignment, step: image side')
    parser.add_argument('--batch', type=int, default=7, help='step: images')
    parser.add_argument('--workers', type=int, default=8, help='step: loader workers')
    parser.add_argument('--warm-up', type=int, default=5, help='step: steps before measuring')
    parser.add_argument('--data', help='step: folder in WIDER layout; drawn images by default')
    parser.add_argument('--cpu', action='store_true', help='step: measure without a GPU')
    for name in ('--rank', '--store', '--result'):
        parser.add_argument(name, help=argparse.SUPPRESS)
    parser.add_argument('--count', action='store_true', help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.device = 'cuda' if torch.cuda.is_available() and not args.cpu else 'cpu'
    logging.disable(logging.WARNING)
    init_default_scope('mmdet')
    if args.rank is not None:
        wrapper_rank(int(args.rank), args)
        return
    parts = dict(wrapper=wrapper, assignment=assignment, keys=keys, step=step)
    for name in args.what or parts:
        if name not in parts:
            parser.error(f'{name!r} is none of {", ".join(parts)}')
        parts[name](args)
    device = torch.cuda.get_device_name() if args.device == 'cuda' else platform.processor()
    print(f'\n{date.today()}, torch {torch.__version__}, {os.cpu_count()} CPU cores, {device}')


if __name__ == '__main__':
    main()
