"""What holding all the choices costs: a supernet step on a fixed path against the same fixed network.

Both networks do the same arithmetic on the same images; they take turns, step by step, in one process,
so that what else the machine does hits both. Prints the medians and their ratio.

    python benchmarks/supernet_step.py
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time

import torch
from mmdet.models.detectors.base import BaseDetector
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

from mmbfbox.engine import load_weights
from mmbfbox.export import subnet_model, subnet_weights
from mmbfbox.models import set_arch, space_of
from mmbfbox.utils.config import load_config


def batch(number: int, size: int) -> tuple[torch.Tensor, list[DetDataSample]]:
    """Noise images with three faces each."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(number, 3, size, size, generator=generator)
    samples = []
    for _ in range(number):
        shape = dict(img_shape=(size, size), pad_shape=(size, size), scale_factor=(1, 1))
        sample = DetDataSample(metainfo=shape)
        corners = torch.rand(3, 2, generator=generator) * size * 0.7
        sample.gt_instances = InstanceData(
            bboxes=torch.cat([corners, corners + size * 0.2], 1),
            labels=torch.zeros(3, dtype=torch.long),
        )
        sample.ignored_instances = InstanceData(bboxes=torch.zeros(0, 4))
        samples.append(sample)
    return images, samples


def step(
    model: BaseDetector,
    optimizer: torch.optim.Optimizer,
    images: torch.Tensor,
    samples: list[DetDataSample],
) -> float:
    """Seconds of one training step."""
    start = time.perf_counter()
    losses = model(images, samples, mode='loss')
    optimizer.zero_grad()
    sum(sum(value) for value in losses.values()).backward()
    optimizer.step()
    if images.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--config', default='demo/bfbox_supernet_demo', help='config of a supernet')
    parser.add_argument('--size', type=int, default=192, help='image side in pixels')
    parser.add_argument('--batch', type=int, default=8, help='images a step')
    parser.add_argument('--steps', type=int, default=40, help='steps of each network')
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    init_default_scope('mmdet')
    device = 'cuda' if torch.cuda.is_available() else 'cpu'

    config = load_config(args.config)
    torch.manual_seed(0)
    supernet = MODELS.build(config.model).to(device).train()
    arch = space_of(supernet).sample(0, 0)
    set_arch(supernet, arch)
    fixed = MODELS.build(subnet_model(config.model, arch)).to(device).train()
    load_weights(fixed, subnet_weights(supernet.state_dict(), arch), 'the supernet')
    images, samples = batch(args.batch, args.size)
    images, samples = images.to(device), [sample.to(device) for sample in samples]

    networks = {'supernet, fixed path': supernet, 'fixed network': fixed}
    optimizers = {
        name: torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9, weight_decay=5e-5)
        for name, model in networks.items()
    }
    times: dict[str, list[float]] = {name: [] for name in networks}
    for number in range(args.steps + 3):
        # Who goes first changes, so that neither profits from warm caches.
        for name in sorted(networks, reverse=bool(number % 2)):
            seconds = step(networks[name], optimizers[name], images, samples)
            if number >= 3:
                times[name].append(seconds)
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f'{args.config}, {args.batch} x {args.size}x{args.size}, {args.steps} steps, {device}')
    for name, seconds in medians.items():
        parameters = sum(p.numel() for p in networks[name].parameters())
        print(f'{name:>22}: {1000 * seconds:8.1f} ms a step, {parameters / 1e6:6.2f} M parameters')
    pairs = zip(times['supernet, fixed path'], times['fixed network'], strict=True)
    ratio = statistics.median(ours / fixed for ours, fixed in pairs)
    print(f'ratio: {ratio:.3f} (median over pairs of steps)')


if __name__ == '__main__':
    main()
