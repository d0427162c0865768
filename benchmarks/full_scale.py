"""What training the networks of the paper's size costs: one step, memory (sizes: benchmarks/models.py).

    python benchmarks/full_scale.py

Builds the paper's supernet and the RetinaNet-R50 baseline, makes one 640x640 training step with each
(in a process of its own, so that peak memory is its own), and prints a table.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import subprocess
import sys
import time

import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope
from supernet_step import batch, step

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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--size', type=int, default=640, help='image side in pixels')
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
    print(f'| one training step, {args.images} x {args.size}x{args.size}, CPU | parameters | '
          'peak memory | seconds |')  # fmt: skip
    print('|---|---|---|---|')
    for name, result in results.items():
        print(
            f'| {name} | {readable(result["parameters"])} | {result["memory"] / 2**30:.2f} GiB | '
            f'{result["seconds"]:.1f} |'
        )
    print(
        f'\n{time.strftime("%Y-%m-%d")}, torch {torch.__version__}, {torch.get_num_threads()} threads'
    )


if __name__ == '__main__':
    main()
