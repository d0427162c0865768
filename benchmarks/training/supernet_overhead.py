"""What holding all the choices costs: a supernet step on a fixed path against the same fixed network.

Both networks do the same arithmetic on the same images; they take turns, step by step, in one process,
so that what else the machine does hits both. Prints the medians and their ratio.

    python benchmarks/training/supernet_overhead.py
"""

from __future__ import annotations

import logging
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope

from benchmarks.common.networks import batch, build, new_optimizer, step
from benchmarks.common.scripts import machine, new_parser, print_head, print_row
from mmbfbox.engine import load_weights
from mmbfbox.export import subnet_model, subnet_weights
from mmbfbox.models import set_arch, space_of
from mmbfbox.utils.config import load_config


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument('--config', default='demo/bfbox_supernet_demo', help='config of a supernet')
    parser.add_argument('--size', type=int, default=192, help='image side in pixels')
    parser.add_argument('--batch', type=int, default=8, help='images a step')
    parser.add_argument('--steps', type=int, default=40, help='steps of each network')
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    init_default_scope('mmdet')
    device = 'cuda' if torch.cuda.is_available() else 'cpu'

    supernet = build(args.config, device)
    arch = space_of(supernet).sample(0, 0)
    set_arch(supernet, arch)
    fixed = MODELS.build(subnet_model(load_config(args.config).model, arch)).to(device).train()
    load_weights(fixed, subnet_weights(supernet.state_dict(), arch), 'the supernet')
    images, samples = batch(args.batch, args.size, device)

    networks = {'supernet, fixed path': supernet, 'fixed network': fixed}
    optimizers = {name: new_optimizer(model) for name, model in networks.items()}
    times: dict[str, list[float]] = {name: [] for name in networks}
    for number in range(args.steps + 3):
        # Who goes first changes, so that neither profits from warm caches.
        for name in sorted(networks, reverse=bool(number % 2)):
            seconds = step(networks[name], optimizers[name], images, samples)
            if number >= 3:
                times[name].append(seconds)
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f'{args.config}, {args.batch} x {args.size}x{args.size}, {args.steps} steps\n')
    print_head('network', 'ms a step', 'parameters')
    for name, seconds in medians.items():
        parameters = sum(p.numel() for p in networks[name].parameters())
        print_row(name, f'{1000 * seconds:.1f}', f'{parameters / 1e6:.2f} M')
    pairs = zip(times['supernet, fixed path'], times['fixed network'], strict=True)
    ratio = statistics.median(ours / fixed for ours, fixed in pairs)
    print(f'\nratio {ratio:.3f} (median over pairs of steps); {machine(device)}')


if __name__ == '__main__':
    main()
