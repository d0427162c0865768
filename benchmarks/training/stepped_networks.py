"""How much faster does a GPU train light networks as CUDA graphs, and several side by side?

    python benchmarks/training/stepped_networks.py --data DATA --networks 1 8 48

Needs a GPU. One network is stepped as tools/train.py does it (batches that lie ready), without a graph on
crops that lie on the device with their targets, and as a graph; then as many networks of the pool as
--networks says are stepped side by side. Losses of the graph are compared with those without it; the script
ends with exit code 1 where they differ by more than two computations of bfloat16 do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import torch
from mmdet.registry import DATASETS
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper

from benchmarks.common.crop_bank import CropBank
from benchmarks.common.pool import FINAL, read_pool
from benchmarks.common.pool_records import PoolRecords
from benchmarks.common.recorded_runs import RecordedRuns
from benchmarks.common.scripts import machine, new_parser, print_head, print_row
from benchmarks.common.stepped_network import SteppedNetwork, train_side_by_side
from benchmarks.common.timing import timed
from mmbfbox.errors import UserError, exit_on_user_error

READY = 8
"""Batches that are rendered before an ordinary training is timed."""

COMPARED = 20
ALLOWED = 0.02
"""Of a loss, the mean difference over the first steps."""


def main() -> None:
    """Compare, and print the table."""
    parser = new_parser(__doc__)
    parser.add_argument('--data', type=Path, required=True, help='folder in WIDER FACE layout')
    parser.add_argument('--networks', type=int, nargs='+', default=[1, 8, 48], help='side by side')
    parser.add_argument('--steps', type=int, default=100, help='that are timed')
    parser.add_argument('--workers', type=int, default=8, help='processes that render crops')
    args = parser.parse_args()
    if not torch.cuda.is_available():
        raise UserError(
            'CUDA graphs need a GPU, and torch sees none; run this on a machine with one'
        )
    torch.backends.cudnn.benchmark = True
    pool = read_pool()
    runs = RecordedRuns('pool', FINAL, args.data, Path('work_dirs/unused'))
    records = PoolRecords(pool, runs, {'train_cfg.max_iters': args.steps})
    configs = [runs.training(*records.job(member, 0))[2] for member in pool.members]
    batch = configs[0].train_dataloader.batch_size
    bank = CropBank(configs[0], 0, args.steps * batch, 'cuda', args.workers)
    print(f'{machine()}; {batch} crops a step\n')
    print_head('how', 'networks', 'ms a step and network', 'crops a second')

    def show(name: str, networks: int, seconds: float) -> None:
        each = seconds / args.steps / networks
        print_row(name, networks, f'{1000 * each:.2f}', f'{batch / each:.0f}')

    eager = SteppedNetwork(configs[0], 0, bank, graph=False)
    show('as tools/train.py', 1, timed(ordinary(eager, args.steps))[1])
    eager = SteppedNetwork(configs[0], 0, bank, graph=False)
    show('crops and targets on the device', 1, timed(lambda: train_side_by_side([eager]))[1])
    for number in args.networks:
        networks = [SteppedNetwork(config, 0, bank) for config in configs[:number]]
        show('graph', number, timed(lambda found=networks: train_side_by_side(found))[1])
        if number == args.networks[0]:
            compare(eager, networks[0])
        del networks
        torch.cuda.empty_cache()


def ordinary(network: SteppedNetwork, steps: int) -> Callable[[], None]:
    """So many steps of mmdet's own train_step, after a warm-up."""
    loader = network.config.train_dataloader
    dataset = DATASETS.build(getattr(loader.dataset, 'dataset', loader.dataset))
    batches = [
        pseudo_collate([dataset[batch * loader.batch_size + i] for i in range(loader.batch_size)])
        for batch in range(READY)
    ]
    wrapper = build_optim_wrapper(network.model, network.config.optim_wrapper)

    def call() -> None:
        for step in range(steps):
            network.model.train_step(batches[step % READY], wrapper)

    call()
    return call


def compare(eager: SteppedNetwork, graph: SteppedNetwork) -> None:
    """End where the graph computes something else.

    Raises:
        UserError: it does.
    """
    ours, expected = graph.losses()[:COMPARED], eager.losses()[:COMPARED]
    difference = float(((ours - expected).abs() / expected).mean())
    if not difference <= ALLOWED:
        raise UserError(
            f'over {COMPARED} steps the losses of the graph differ by {difference:.1%} from those without '
            f'it, expected {ALLOWED:.0%} at most: {ours.tolist()} and {expected.tolist()}'
        )
    print(f'# losses differ by {difference:.2%} from those without a graph', file=sys.stderr)


if __name__ == '__main__':
    exit_on_user_error(main)()
