"""What becomes of a training step when another program takes the cores?

    python benchmarks/training/busy_cores.py

Steps of the light reference network (16 crops of 192 pixels) are timed in a process of their own: alone,
beside another training that computes with one thread, and beside a program that keeps every core busy; with
one thread and with one for each core, OpenMP's threads waiting as torch comes (they spin for long), always
spinning, soon sleeping (what this package sets) and sleeping at once. Printed is the median time of a step,
the lesser of two rounds that take turns.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

from benchmarks.common.scripts import machine, new_parser, print_head, print_row
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.utils.threads import SPINS

NETWORK = 'light/0.5g/bfbox_reference_light-0.5g_wider_mini.py'
SPIN = 'while True: pass'
CORES = len(os.sched_getaffinity(0))
OURS = 'soon sleeping (ours)'

WAYS = {
    'as torch comes': dict(GOMP_SPINCOUNT='300000', OMP_WAIT_POLICY=''),
    'always spinning': dict(OMP_WAIT_POLICY='ACTIVE'),
    OURS: dict(OMP_WAIT_POLICY='PASSIVE', GOMP_SPINCOUNT=SPINS),
    'sleeping at once': dict(OMP_WAIT_POLICY='PASSIVE', GOMP_SPINCOUNT='0'),
}
"""How threads wait; 300,000 turns are what libgomp takes where nothing is set."""


def measure(threads: int, way: dict[str, str]) -> float:
    """Median seconds of a step in a new process."""
    done = subprocess.run(
        [sys.executable, __file__, '--child'], env=environment(threads, way), capture_output=True, text=True
    )  # fmt: skip
    if done.returncode:
        raise UserError(f'a step failed: {done.stderr.strip().splitlines()[-1]}')
    return float(done.stdout.split()[-1])


def environment(threads: int, way: dict[str, str]) -> dict[str, str]:
    """Variables of a process with so many threads, which wait in this way."""
    return {**os.environ, **way, 'OMP_NUM_THREADS': str(threads)}


def beside_training(threads: int, way: dict[str, str]) -> float:
    """The same beside another training, of one thread."""
    command = [sys.executable, __file__, '--endless']
    with subprocess.Popen(
        command, env=environment(1, WAYS[OURS]), stdout=subprocess.PIPE, text=True
    ) as other:
        try:
            assert other.stdout is not None and other.stdout.readline()  # its first step is done
            return measure(threads, way)
        finally:
            other.kill()


def beside_busy_cores(threads: int, way: dict[str, str]) -> float:
    """The same beside a busy thread of another program for each core."""
    others = [subprocess.Popen([sys.executable, '-c', SPIN]) for _ in range(CORES)]
    try:
        return measure(threads, way)
    finally:
        for other in others:
            other.kill()
            other.wait()


def steps() -> Iterator[float]:
    """Seconds of one step after the other, without end."""
    import torch
    from mmengine.registry import init_default_scope

    from benchmarks.common.networks import batch, build, new_optimizer, step

    init_default_scope('mmdet')
    model = build(NETWORK).to(memory_format=torch.channels_last)
    images, samples = batch(16, 192)
    images = images.contiguous(memory_format=torch.channels_last)
    optimizer = new_optimizer(model)
    while True:
        yield step(model, optimizer, images, samples)


def main() -> None:
    """Print the table."""
    parser = new_parser(__doc__)
    parser.add_argument('--child', action='store_true', help='measure in this process; internal')
    parser.add_argument('--endless', action='store_true', help='train for ever; internal')
    args = parser.parse_args()
    if args.child:
        print(statistics.median(islice(steps(), 1, 10)))
        return
    if args.endless:
        for seconds in steps():
            print(seconds, flush=True)
    kinds = [(1, OURS), *((CORES, name) for name in WAYS if CORES > 1)]
    places = measure, beside_training, beside_busy_cores
    rounds = [[[place(n, WAYS[name]) for place in places] for n, name in kinds] for _ in range(2)]
    print_head(
        'threads', 'waiting', 'alone, s', 'beside another training, s', 'ratio',
        'beside a program on every core, s', 'ratio',
    )  # fmt: skip
    for (threads, name), *times in zip(kinds, *rounds, strict=True):
        alone, *beside = (min(values) for values in zip(*times, strict=True))
        cells = (f'{cell}' for one in beside for cell in (f'{one:.3f}', f'{one / alone:.1f}'))
        print_row(threads, name, f'{alone:.3f}', *cells)
    print(f'\n{machine("cpu")}')


if __name__ == '__main__':
    exit_on_user_error(main)()
