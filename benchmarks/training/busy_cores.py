"""What becomes of a training step when another program takes the cores?

    python benchmarks/training/busy_cores.py

Steps of the light reference network (16 crops of 192 pixels) are timed in a process of their own: alone, and
beside another program with a busy thread for each core, with OpenMP's threads waiting as torch comes (they
spin for long), always spinning, soon sleeping (what this package sets) and sleeping at once. Printed is the
median time of a step, the lesser of two rounds that take turns.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

from benchmarks.common.scripts import machine, new_parser, print_head, print_row
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.utils.threads import SPINS

NETWORK = 'light/0.5g/bfbox_reference_light-0.5g_wider_mini.py'
SPIN = 'while True: pass'


WAYS = {
    'as torch comes': dict(GOMP_SPINCOUNT='300000', OMP_WAIT_POLICY=''),
    'always spinning': dict(OMP_WAIT_POLICY='ACTIVE'),
    'soon sleeping (ours)': dict(OMP_WAIT_POLICY='PASSIVE', GOMP_SPINCOUNT=SPINS),
    'sleeping at once': dict(OMP_WAIT_POLICY='PASSIVE', GOMP_SPINCOUNT='0'),
}
"""How threads wait; 300,000 turns are what libgomp takes where nothing is set."""


def measure(threads: int, way: dict[str, str]) -> float:
    """Median seconds of a step in a new process."""
    environment = {**os.environ, **way, 'OMP_NUM_THREADS': str(threads)}
    command = [sys.executable, __file__, '--child']
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f'a step failed: {done.stderr.strip().splitlines()[-1]}')
    return float(done.stdout.split()[-1])


def beside(threads: int, way: dict[str, str], busy: int) -> float:
    """The same beside so many busy threads of another program."""
    others = [subprocess.Popen([sys.executable, '-c', SPIN]) for _ in range(busy)]
    try:
        return measure(threads, way)
    finally:
        for other in others:
            other.kill()
            other.wait()


def child() -> None:
    """Time steps and print their median."""
    import torch
    from mmengine.registry import init_default_scope

    from benchmarks.common.networks import batch, build, new_optimizer, step

    init_default_scope('mmdet')
    model = build(NETWORK).to(memory_format=torch.channels_last)
    images, samples = batch(16, 192)
    images = images.contiguous(memory_format=torch.channels_last)
    optimizer = new_optimizer(model)
    step(model, optimizer, images, samples)
    print(statistics.median(step(model, optimizer, images, samples) for _ in range(9)))


def main() -> None:
    """Print the table."""
    parser = new_parser(__doc__)
    parser.add_argument('--child', action='store_true', help='measure in this process; internal')
    if parser.parse_args().child:
        child()
        return
    cores = len(os.sched_getaffinity(0))
    kinds = [(1, 'soon sleeping (ours)'), *((cores, name) for name in WAYS if cores > 1)]
    rounds = [
        [(measure(n, WAYS[name]), beside(n, WAYS[name], cores)) for n, name in kinds]
        for _ in range(2)
    ]
    print_head('threads', 'waiting', 'alone, s', 'beside another program, s', 'ratio')
    for (threads, name), *times in zip(kinds, *rounds, strict=True):
        alone, together = (min(values) for values in zip(*times, strict=True))
        print_row(threads, name, f'{alone:.3f}', f'{together:.3f}', f'{together / alone:.1f}')
    print(f'\n{machine("cpu")}')


if __name__ == '__main__':
    exit_on_user_error(main)()
