"""Memory and time of one training step of the networks of the paper's size.

    python benchmarks/training/step_memory.py

Builds the paper's supernet and the RetinaNet-R50 baseline, makes one 640x640 training step with each
(in a process of its own, so that peak memory is its own), and prints a table. Multiply-adds and latency of
these networks: benchmarks/evaluation/network_costs.py.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope

from benchmarks.common.networks import batch, step
from benchmarks.common.scripts import machine, new_parser, print_head, print_row
from mmbfbox.models import set_arch, space_of
from mmbfbox.search.report import readable
from mmbfbox.utils.config import load_config


def measure(name: str, images: int, size: int) -> dict[str, float]:
    """Build a config's model and make one training step."""
    logging.disable(logging.WARNING)
    init_default_scope('mmdet')
    config = load_config(name)
    model = MODELS.build(config.model)
    model.init_weights()
    if 'Searchable' in config.model.backbone.type:
        set_arch(model, space_of(model).sample(0, 0))
    optimizer = torch.optim.SGD(
        model.parameters(),
        **{k: v for k, v in config.optim_wrapper.optimizer.items() if k != 'type'},
    )
    inputs, samples = batch(images, size)
    seconds = step(model.train(), optimizer, inputs, samples)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return dict(seconds=seconds, memory=memory, parameters=parameters)


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument('--size', type=int, default=640, help='image side in pixels, 256 or more')
    parser.add_argument('--images', type=int, default=1, help='images a step')
    parser.add_argument('--only', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        print(json.dumps(measure(args.only, args.images, args.size)))
        return

    results = {}
    for name in ('paper/bfbox_supernet_wider_face', 'paper/retinanet_r50_fpn_wider_face'):
        command = [sys.executable, __file__, '--only', name, '--size', str(args.size)]
        output = subprocess.run(
            [*command, '--images', str(args.images)], check=True, capture_output=True, text=True
        ).stdout
        results[name] = json.loads(output.splitlines()[-1])
    title = f'one training step, {args.images} x {args.size}x{args.size}'
    print_head(title, 'parameters', 'peak memory', 'seconds')
    for name, result in results.items():
        memory = f'{result["memory"] / 2**30:.2f} GiB'
        print_row(name, readable(result['parameters']), memory, f'{result["seconds"]:.1f}')
    print(f'\n{machine("cpu")}')


if __name__ == '__main__':
    main()
