"""What becomes of a training step when another program takes the cores?

    python benchmarks/training/busy_cores.py

Steps of the light reference network (16 crops of 192 pixels) are timed in a process of their own: alone, and
beside another program with a busy thread for each core, with OpenMP's threads spinning while they wait (its
default) and sleeping (what this package sets). Printed is the median time of a step.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

from benchmarks.common.scripts import machine, new_parser, print_head, print_row

NETWORK = 'light/0.5g/bfbox_reference_light-0.5g_wider_mini.py'
SPIN = 'while True: pass'


def measure(threads: int, policy: str) -> float:
    """Median seconds of a step in a new process."""
    environment = {**os.environ, 'OMP_WAIT_POLICY': policy, 'OMP_NUM_THREADS': str(threads)}
    command = [sys.executable, __file__, '--child']
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def child() -> None:
    """Time steps and print their median."""
    import torch

    from benchmarks.common.networks import batch, build, new_optimizer, step

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
    print_head('threads', 'while they wait', 'alone, s', 'beside another program, s', 'ratio')
    for threads in dict.fromkeys((1, cores)):
        for policy in ('ACTIVE', 'PASSIVE') if threads > 1 else ('PASSIVE',):
            alone = measure(threads, policy)
            others = [subprocess.Popen([sys.executable, '-c', SPIN]) for _ in range(cores)]
            try:
                beside = measure(threads, policy)
            finally:
                for other in others:
                    other.kill()
                    other.wait()
            words = 'they spin' if policy == 'ACTIVE' else 'they sleep'
            print_row(threads, words, f'{alone:.3f}', f'{beside:.3f}', f'{beside / alone:.1f}')
    print(f'\n{machine("cpu")}')


if __name__ == '__main__':
    main()
