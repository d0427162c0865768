"""Where does a training step of a light network spend its time on a CPU, and what makes it faster?

    python benchmarks/training/light_step.py                 # everything, with one thread
    python benchmarks/training/light_step.py parts blocks --threads 2
    python benchmarks/training/light_step.py keys            # --compile needs a C++ compiler

parts: shares of a step of the reference network, of the ResNet and of a searched arch full of one block.
keys: precision, memory layout, optimizer and torch.compile, each changed alone against the recommended step.
blocks: forward and backward of each choice of the light space, beside what a dense 3x3 does in that time.
What is compared takes turns in one run: only ratios within one run mean something.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import torch
from mmdet.models.detectors.base import BaseDetector
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope
from torch import nn

from benchmarks.common.networks import batch, build
from benchmarks.common.scripts import machine, new_parser, print_head, print_row
from benchmarks.common.timing import timed
from benchmarks.training.light_spaces import DEPTHWISE
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.models import set_arch, space_of
from mmbfbox.space import Arch
from mmbfbox.utils.config import load_config

REFERENCE = 'light/0.5g/bfbox_reference_light-0.5g_wider_mini'
RESNET = 'light/0.5g/retinanet_r18_fpn_light-0.5g_wider_mini'
SUPERNET = 'light/0.5g/bfbox_supernet_light-0.5g_wider_mini'
PARTS = ('backbone', 'neck', 'head', 'targets and losses', 'backward', 'optimizer')
IMAGES, SIDE, WARM_UP = 16, 192, 3


@dataclass(frozen=True)
class Keys:
    """What may be changed of a step."""

    bf16: bool = True
    channels_last: bool = True
    fused: bool = False
    compiled: bool = False


class Trainer:
    """One network with its optimizer and a batch.

    Args:
        model: in training mode.
        keys: how it is stepped.
    """

    def __init__(self, model: BaseDetector, keys: Keys) -> None:
        self.model, self.keys = model, keys
        if keys.channels_last:
            model.to(memory_format=torch.channels_last)
        self.images, self.samples = batch(IMAGES, SIDE)
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=keys.fused)
        self.extract = model.extract_feat
        self.forward = model.bbox_head.forward
        if keys.compiled:
            self.extract, self.forward = torch.compile(self.extract), torch.compile(self.forward)

    def step(self) -> list[float]:
        """Seconds of :data:`PARTS`; backbone and neck are one if the network is compiled."""
        model, marks = self.model, [time.perf_counter()]

        def mark() -> None:
            marks.append(time.perf_counter())

        half: contextlib.AbstractContextManager[object] = (
            torch.autocast('cpu', torch.bfloat16) if self.keys.bf16 else contextlib.nullcontext()
        )
        with half:
            if self.keys.compiled:
                levels = self.extract(self.images)
                mark()
            else:
                stages = model.backbone(self.images)
                mark()
                levels = model.neck(stages)
            mark()
            outputs = self.forward(levels)
            mark()
            faces = [sample.gt_instances for sample in self.samples]
            metas = [sample.metainfo for sample in self.samples]
            ignored = [sample.ignored_instances for sample in self.samples]
            losses = model.bbox_head.loss_by_feat(*outputs, faces, metas, ignored)
        loss = model.parse_losses(losses)[0]
        mark()
        loss.backward()
        mark()
        self.optimizer.step()
        self.optimizer.zero_grad()
        mark()
        return [after - before for before, after in pairwise(marks)]


def take_turns(trainers: Mapping[str, Trainer], steps: int) -> dict[str, list[list[float]]]:
    """Seconds of the parts for each step, of one network after the other."""
    for _ in range(WARM_UP):
        for trainer in trainers.values():
            trainer.step()
    taken: dict[str, list[list[float]]] = {name: [] for name in trainers}
    for _ in range(steps):
        for name, trainer in trainers.items():
            taken[name].append(trainer.step())
    return taken


def parts(args: argparse.Namespace) -> None:
    """Milliseconds and shares, network by network."""
    networks = {
        'reference network': build(REFERENCE),
        'RetinaNet with a small ResNet': build(RESNET),
    }
    for kind in ('basic3', 'dw5'):
        networks[f'every slot {kind}'] = full_of(kind)
    trainers = {name: Trainer(model, Keys()) for name, model in networks.items()}
    print(f'\na step of {IMAGES} x {SIDE}x{SIDE}, bf16, channels-last')
    print_head('network', 'ms', *PARTS)
    for name, steps in take_turns(trainers, args.steps).items():
        means = [statistics.median(part) for part in zip(*steps, strict=True)]
        shares = [f'{part / sum(means):.0%}' for part in means]
        print_row(name, f'{1000 * sum(means):.0f}', *shares)


def supernet() -> BaseDetector:
    """The supernet of the 0.5 G family, with the depthwise blocks that it once had."""
    options = {f'model.{key}': value for key, value in DEPTHWISE.items()}
    torch.manual_seed(0)
    return MODELS.build(load_config(SUPERNET, options).model).train()


def full_of(kind: str) -> BaseDetector:
    """A supernet whose active path is one kind of block in every slot."""
    model = supernet()
    space = space_of(model)
    stages = tuple(
        tuple(next(name for name in choices if name.startswith(kind)) for choices in slots)
        for slots in space.backbone.slots
    )
    set_arch(model, Arch(stages, space.sample(0, 0).merges))
    return model


def keys(args: argparse.Namespace) -> None:
    """What one key changes in a step of the reference network."""
    usual = Keys()
    cases = {
        'as recommended': usual,
        'float32': replace(usual, bf16=False),
        'contiguous': replace(usual, channels_last=False),
        'float32, contiguous': Keys(bf16=False, channels_last=False),
        'fused optimizer': replace(usual, fused=True),
    }
    if args.compile:
        cases['torch.compile'] = replace(usual, compiled=True)
        cases['torch.compile, float32'] = replace(usual, bf16=False, compiled=True)
    trainers = {name: Trainer(build(REFERENCE), case) for name, case in cases.items()}
    start = {name: timed(trainer.step)[1] for name, trainer in trainers.items()}
    taken = take_turns(trainers, args.steps)
    totals = {name: [sum(step) for step in steps] for name, steps in taken.items()}
    print(f'\na step of the reference network, {IMAGES} x {SIDE}x{SIDE}')
    print_head('keys', 'ms', 'as fast as recommended', 'seconds of the first step')
    for name, seconds in totals.items():
        pairs = zip(totals['as recommended'], seconds, strict=True)
        gain = statistics.median(base / own for base, own in pairs)
        print_row(
            name, f'{1000 * statistics.median(seconds):.0f}', f'{gain:.2f} x', f'{start[name]:.1f}'
        )


def blocks(args: argparse.Namespace) -> None:
    """Each choice of the second slot of a stage, forward and backward in bf16."""
    backbone = supernet().backbone.to(memory_format=torch.channels_last)
    space = backbone.space
    for stage in args.stages:
        slot, side, width = (
            backbone.stages[stage - 2][1],
            SIDE // 2**stage,
            space.out_channels[stage - 2],
        )
        x = torch.randn(IMAGES, width, side, side, requires_grad=True)
        x = x.to(memory_format=torch.channels_last)
        runs = {name: _block_step(unit, x) for name, unit in slot.choices.items()}
        times: dict[str, list[float]] = {name: [] for name in runs}
        for number in range(WARM_UP + args.steps):
            for name, run in runs.items():
                seconds = timed(run)[1]
                times[name] += [seconds] if number >= WARM_UP else []
        print(f'\nc{stage}, {IMAGES} x {width} x {side} x {side}, forward and backward, bf16')
        print_head('choice', 'M MACs an image', 'ms', 'G MACs a second')
        for name, seconds in times.items():
            macs = space.block(stage - 2, 1, name).macs(side, side)
            middle = statistics.median(seconds)
            rate = 3 * IMAGES * macs / middle / 1e9
            print_row(name, f'{macs / 1e6:.1f}', f'{1000 * middle:.2f}', f'{rate:.0f}')


def _block_step(unit: nn.Module, x: torch.Tensor) -> Callable[[], None]:
    def run() -> None:
        with torch.autocast('cpu', torch.bfloat16):
            y = unit(x)
        if y.requires_grad and y is not x:
            y.sum().backward()

    return run


WHAT = dict(parts=parts, keys=keys, blocks=blocks)


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument('what', nargs='*', help=f'{", ".join(WHAT)}; all by default')
    parser.add_argument('--steps', type=int, default=15, help='steps to measure')
    parser.add_argument('--threads', type=int, default=1, help='that torch computes with')
    parser.add_argument('--stages', type=int, nargs='+', default=[2, 4], help='blocks: of which')
    parser.add_argument('--compile', action='store_true', help='keys: measure torch.compile, too')
    args = parser.parse_args()
    unknown = [name for name in args.what if name not in WHAT]
    if unknown:
        raise UserError(f'{unknown[0]!r} is none of {", ".join(WHAT)}')
    torch.set_num_threads(args.threads)
    logging.disable(logging.WARNING)
    init_default_scope('mmdet')
    for name in args.what or WHAT:
        WHAT[name](args)
    print(f'\n{machine("cpu")}')


if __name__ == '__main__':
    exit_on_user_error(main)()
