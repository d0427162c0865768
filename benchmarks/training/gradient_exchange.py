"""What two processes exchange in a step of the supernet, and how long it takes: PathDataParallel against DDP.

    python benchmarks/training/gradient_exchange.py

Two gloo processes on the CPU, one thread each. The wrappers take turns, step by step, on the same paths;
times are medians over the steps of rank 0.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import torch
from mmengine.model import MMDistributedDataParallel
from mmengine.registry import init_default_scope
from torch import distributed as dist
from torch import nn

from benchmarks.common.networks import batch, build
from benchmarks.common.scripts import new_parser
from mmbfbox.engine import PathDataParallel
from mmbfbox.models import set_arch, space_of

MIB = 2**20
TITLES = dict(
    path='PathDataParallel',
    ddp='DDP, find_unused_parameters=True',
)


def one_rank(rank: int, args: argparse.Namespace) -> None:
    """One of two processes: the wrappers take turns, step by step, on the same paths."""
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
            reducer = None if name == 'ddp' else network.reducer
            sent['ddp'], before = 0, reducer.bytes_reduced if reducer else 0
            dist.barrier()
            start, start_cpu = time.perf_counter(), time.process_time()
            losses = network(images, samples, mode='loss')
            network.module.parse_losses(losses)[0].backward()
            optimizers[name].step()
            row[f'{name} seconds'] = time.perf_counter() - start
            row[f'{name} cpu'] = time.process_time() - start_cpu
            gradients = [p.grad for p in network.parameters() if p.grad is not None]
            row['active bytes'] = sum(gradient.nbytes for gradient in gradients)
            row[f'{name} bytes'] = reducer.bytes_reduced - before if reducer else sent['ddp']
            optimizers[name].zero_grad()
        rows.append(row)
    if rank == 0:
        torch.save(rows[1:], args.result)
    dist.destroy_process_group()


def both_ranks(args: argparse.Namespace) -> None:
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
    print(
        '| wrapper | MiB reduced a step | of the active gradients | seconds a step | CPU seconds |'
    )
    print('|---|---|---|---|---|')
    times = tables['seconds']
    for name, title in TITLES.items():
        sent = statistics.mean(row[f'{name} bytes'] for row in rows)
        seconds, cpu = (
            statistics.median(row[f'{name} {what}'] for row in times) for what in ('seconds', 'cpu')
        )
        print(f'| {title} | {sent / MIB:.2f} | {sent / active:.3f} x | {seconds:.3f} | {cpu:.3f} |')
    print(f'largest ratio of reduced to active bytes: {ratio:.4f}')
    pairs = statistics.quantiles((row['ddp seconds'] / row['path seconds'] for row in times), n=4)
    print(
        f'a step of DDP takes {pairs[1]:.3f} x as long (median over {len(times)} pairs of steps; '
        f'quartiles {pairs[0]:.3f} and {pairs[2]:.3f})'
    )


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument(
        '--config', default='paper/bfbox_supernet_wider_face', help='config of the supernet'
    )
    parser.add_argument('--size', type=int, default=128, help='image side in pixels')
    parser.add_argument('--steps', type=int, default=12, help='steps to measure')
    for name in ('--store', '--result'):
        parser.add_argument(name, help=argparse.SUPPRESS)
    parser.add_argument('--rank', type=int, help=argparse.SUPPRESS)
    parser.add_argument('--count', action='store_true', help=argparse.SUPPRESS)
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    init_default_scope('mmdet')
    if args.rank is None:
        both_ranks(args)
    else:
        one_rank(args.rank, args)


if __name__ == '__main__':
    main()
