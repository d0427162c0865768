"""Sizes and speed of every baseline and of architectures of the paper's space, in one run.

    python benchmarks/evaluation/network_costs.py
    python benchmarks/evaluation/network_costs.py --of light

With ``--of light``: the most expensive architecture that each light family's search allows, and its baseline.
Multiply-adds are counted as the convolutions run: the backbone's at 224x224, which is what the paper's
table 9 gives, and the detector's at 640x640 and at VGA. The latency is that of backbone, neck and head on
one VGA image, without the boxes' NMS; all networks take turns, round by round. Each peak memory is that of
a process of its own, with everything that it has imported (on a GPU: what torch has allocated).
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope
from torch import nn

from benchmarks.common.light import CLASSES, family
from benchmarks.common.scripts import machine, new_parser, print_head, print_row
from benchmarks.common.timing import timed
from mmbfbox.export import subnet_model
from mmbfbox.models import cost_table, traced_macs
from mmbfbox.search.report import readable
from mmbfbox.space import Arch, CostTable
from mmbfbox.utils.config import load_config
from mmbfbox.utils.without_storage import without_storage

SAMPLES = 2001
VGA = (480, 640)
BASELINES = {
    'ResNet-50 + FPN': 'paper/retinanet_r50_fpn_wider_face',
    'ResNet-101 + FPN': 'paper/table1/retinanet_r101_fpn_wider_face',
    'ResNet-152 + FPN': 'paper/table1/retinanet_r152_fpn_wider_face',
    'DenseNet-121 + FPN': 'paper/table9/retinanet_densenet121_fpn_wider_face',
    'Inception-v4 + FPN': 'paper/figure1/retinanet_inceptionv4_fpn_wider_face',
    'ResNet-50 + LFPN': 'paper/table1/retinanet_r50_lfpn_wider_face',
    'ResNet-50 + FEM': 'paper/table1/retinanet_r50_fem_wider_face',
    'ResNet-50 + NAS-FPN': 'paper/table6/retinanet_r50_nasfpn_wider_face',
}
CAFFE = 'ResNet-50 + FPN, stride in the 1x1'
PUBLISHED = {
    CAFFE: '3.8 G',
    'ResNet-50 + FPN': '3.8 G',
    'ResNet-101 + FPN': '7.6 G',
    'DenseNet-121 + FPN': '3.0 G',
    'BFBox near 2.9 G': '2.9 G',
    'BFBox near 4.1 G': '4.1 G',
}
"""FLOPs in the paper's table 9."""


def representatives(table: CostTable) -> dict[str, Arch]:
    """The smallest and the largest arch, and of random ones the median, one near 2.9 G, one near 4.1 G."""
    space = table.space

    def macs(arch: Arch) -> int:
        return table.backbone(arch.stages).macs

    sampled = sorted((space.sample(0, index) for index in range(SAMPLES)), key=macs)

    def near(goal: float) -> Arch:
        return min(sampled, key=lambda arch: abs(macs(arch) - goal))

    low, high = table.extremes()
    merges = space.sample(0, 0).merges
    return {
        'BFBox smallest': Arch(low, merges),
        f'BFBox median of {SAMPLES}': sampled[SAMPLES // 2],
        'BFBox near 2.9 G': near(2.9e9),
        'BFBox near 4.1 G': near(4.1e9),
        'BFBox largest': Arch(high, merges),
    }


def networks() -> dict[str, dict[str, Any]]:
    """Model configs by title."""
    models = {title: load_config(name).model for title, name in BASELINES.items()}
    caffe = copy.deepcopy(models['ResNet-50 + FPN'])
    caffe.backbone.style = 'caffe'
    supernet = load_config('paper/bfbox_supernet_wider_face').model
    with without_storage():
        searchable = MODELS.build(supernet)
    archs = representatives(cost_table(searchable, (224, 224)))
    ours = {title: subnet_model(supernet, arch) for title, arch in archs.items()}
    return {CAFFE: caffe, **models, **ours}


def light_networks() -> dict[str, dict[str, Any]]:
    """Model configs of the light families by title."""
    found = {}
    for name in CLASSES:
        ours = family(name)
        found[f'light {name}'] = subnet_model(ours.supernet, ours.allowed()[-1])
        found[f'light {name}, baseline'] = ours.baseline
    return found


def seconds(model: nn.Module, image: torch.Tensor) -> float:
    """One pass through backbone, neck and head."""
    with torch.inference_mode():
        return timed(lambda: model(image, mode='tensor'))[1]


def peak_of_this_process() -> int:
    """Bytes; Linux only. (getrusage's peak would include that of the process that started this one.)"""
    status = Path('/proc/self/status').read_text()
    return int(status.split('VmHWM:')[1].split()[0]) * 1024


def peak_memory(of: str, title: str, model: dict[str, Any]) -> int:
    """Bytes at the peak of one pass, in a process of its own on the CPU."""
    if torch.cuda.is_available():
        network = MODELS.build(model).cuda().eval()
        torch.cuda.reset_peak_memory_stats()
        seconds(network, torch.randn(1, 3, *VGA, device='cuda'))
        return torch.cuda.max_memory_allocated()
    command = [sys.executable, __file__, '--of', of, '--memory-of', title]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(output.splitlines()[-1])


def latencies(models: dict[str, dict[str, Any]], rounds: int) -> dict[str, float]:
    """Median seconds for a VGA image; the networks take turns, and the first round only warms up."""
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    # Random weights make numbers so small that a CPU computes them slowly.
    torch.set_flush_denormal(True)
    built = {title: MODELS.build(model).eval().to(device) for title, model in models.items()}
    image = torch.randn(1, 3, *VGA, device=device)
    times: dict[str, list[float]] = {title: [] for title in models}
    for number in range(rounds + 1):
        for title, network in built.items():
            elapsed = seconds(network, image)
            if number:
                times[title].append(elapsed)
    return {title: statistics.median(values) for title, values in times.items()}


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument(
        '--rounds', type=int, default=3, help='passes that each latency is taken from'
    )
    parser.add_argument('--of', choices=['paper', 'light'], default='paper', help='whose networks')
    parser.add_argument('--memory-of', metavar='TITLE', help=argparse.SUPPRESS)
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    init_default_scope('mmdet')
    models = light_networks() if args.of == 'light' else networks()
    if args.memory_of:
        seconds(MODELS.build(models[args.memory_of]).eval(), torch.randn(1, 3, *VGA))
        print(peak_of_this_process())
        return

    times = latencies(models, args.rounds)
    print_head('network', 'published FLOPs', 'backbone MACs at 224', 'detector MACs at 640x640',
               'at 640x480', 'parameters', 'ms', 'peak memory')  # fmt: skip
    for title, model in models.items():
        with without_storage():
            network = MODELS.build(model)
        macs = [
            traced_macs(network, (224, 224))[0],
            *(traced_macs(network, size)[1] for size in ((640, 640), VGA)),
            sum(weight.numel() for weight in network.parameters()),
        ]
        memory = f'{peak_memory(args.of, title, model) / 2**30:.2f} GiB'
        cells = [PUBLISHED.get(title, '-'), *map(readable, macs), f'{1000 * times[title]:.0f}']
        print_row(title, *cells, memory)
    print(f'\n{machine()}, median of {args.rounds} rounds')


if __name__ == '__main__':
    main()
