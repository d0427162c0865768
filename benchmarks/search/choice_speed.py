"""Milliseconds that each choice of a slot takes on a GPU in recalibration, by precision and layout.

    python benchmarks/search/choice_speed.py --batch-size 20

The paper's supernet with random weights on images of 640x640; the second slot of each stage that is named.
Rates count the convolutions only. What is slow here is what a search spends its time on.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from benchmarks.common.scripts import machine, new_parser, print_head, print_row
from mmbfbox.search.scoring.fast.norms import replace_norms
from mmbfbox.search.scoring.precision import HALF, PRECISIONS, float32_arithmetic
from mmbfbox.utils.config import load_config
from mmbfbox.utils.quiet import build_quietly


def milliseconds(unit: nn.Module, x: Tensor, repeats: int) -> float:
    """Median time of a forward pass on the device."""
    times = []
    for number in range(repeats + 2):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        unit(x)
        end.record()
        end.synchronize()
        # The first ones choose algorithms.
        times += [start.elapsed_time(end)] if number >= 2 else []
    return statistics.median(times)


@torch.inference_mode()
def measure(args: argparse.Namespace) -> None:
    """Print a table for each stage."""
    init_default_scope('mmdet')
    backbone = build_quietly(
        lambda: MODELS.build(load_config('paper/bfbox_supernet_wider_face').model)
    ).backbone
    space, state = backbone.space, replace_norms(backbone)
    state.running = True
    backbone.requires_grad_(False).eval().cuda()
    cases = [(p, last) for p in args.precision for last in (True, False)]
    names = [f'{p}, {"channels-last" if last else "contiguous"}' for p, last in cases]
    for stage in args.stages:
        slot = backbone.stages[stage - 2][1]
        side = 640 // 2**stage
        width = space.out_channels[stage - 2]
        print()
        print_head(f'c{stage}, {args.batch_size} x {width} x {side} x {side}', 'G MACs', *names)
        for choice, unit in slot.choices.items():
            macs = args.batch_size * space.block(stage - 2, 1, choice).macs(side, side)
            cells = []
            for precision, last in cases:
                layout = torch.channels_last if last else torch.contiguous_format
                dtype = HALF.get(precision, torch.float32)
                for module in unit.modules():
                    if isinstance(module, nn.Conv2d):
                        module.to(dtype=dtype, memory_format=layout)
                x = torch.randn(args.batch_size, width, side, side, device='cuda')
                x = x.to(dtype=dtype, memory_format=layout)
                with float32_arithmetic(precision):
                    ms = milliseconds(unit, x, args.repeats)
                cells.append(f'{ms:.2f} ({2 * macs / ms / 1e9:.0f} TFLOP/s)')
            print_row(choice, f'{macs / 1e9:.0f}', *cells)


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument('--batch-size', type=int, default=20, help='images')
    parser.add_argument('--repeats', type=int, default=5, help='passes that the median is of')
    parser.add_argument('--stages', type=int, nargs='+', default=[2, 3, 5], help='c2 to c7')
    parser.add_argument('--precision', nargs='+', choices=PRECISIONS, default=['tf32', 'bf16'],
                        help='precisions to compare')  # fmt: skip
    parser.add_argument(
        '--autotune', action='store_true', help='let cuDNN try its algorithms first'
    )
    args = parser.parse_args()
    if not torch.cuda.is_available():
        print(f'there is no GPU here; on one this would be measured:\n\n{__doc__}')
        return
    torch.backends.cudnn.benchmark = args.autotune
    measure(args)
    print(f'\n{machine()}, autotune {args.autotune}')


if __name__ == '__main__':
    main()
