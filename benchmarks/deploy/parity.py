"""How far exported detectors are from the detectors: torch against onnxruntime and OpenVINO.

    python benchmarks/deploy/parity.py

For every space some random archs, and every baseline of the configs, each in its own width at five sizes
and the given batches. A row has the largest difference of a score and of a side of a box in pixels, before
suppression. Weights are random; logits and deltas are scaled to those of a trained head (at most 1 and 0.5).
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import numpy as np
import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope
from torch import nn

from benchmarks.common.scripts import machine, new_parser, print_head, print_row
from mmbfbox.export import subnet_model
from mmbfbox.export.onnx import prepare
from mmbfbox.export.onnx.parity import PIXELS, SCORE, Parity, compare
from mmbfbox.export.onnx.sessions import onnx_run, openvino_run
from mmbfbox.models import space_of
from mmbfbox.utils.config import configs_dir, load_config

SIZES = ((1, 1), (1, 3), (2, 1), (3, 2), (4, 5))
"""Heights and widths in multiples of the largest stride."""


def detectors(args: argparse.Namespace) -> Iterator[tuple[str, nn.Module]]:
    """Names and detectors, with random weights."""
    root = configs_dir()
    for path in sorted(root.rglob('*.py')):
        name = path.relative_to(root).with_suffix('').as_posix()
        if '_base_' in path.parts or ('/bfbox_s' in name and '/bfbox_supernet' not in name):
            continue
        if args.only and args.only not in name:
            continue
        model = load_config(name).model
        if '/bfbox_supernet' not in name:
            yield name, build(model, 0)
            continue
        with torch.device('meta'):
            space = space_of(MODELS.build(model))
        for index in range(args.archs):
            yield f'{name} #{index}', build(subnet_model(model, space.sample(0, index)), index)


def build(model: Any, seed: int) -> nn.Module:
    """A detector with random weights and statistics, whose boxes differ from its anchors."""
    torch.manual_seed(seed)
    detector = MODELS.build(model)
    detector.init_weights()
    detector.eval()
    head = detector.bbox_head
    with torch.no_grad():
        for name, buffer in detector.named_buffers():
            if name.endswith('running_mean'):
                buffer.normal_(std=0.1)
            if name.endswith('running_var'):
                buffer.uniform_(0.5, 1.5)
        outputs = head(detector.extract_feat(torch.randn(1, 3, 256, 256)))
        for most, levels, kind in zip((1, 0.5), outputs, ('cls', 'reg'), strict=True):
            factor = most / max(float(level.abs().max()) for level in levels)
            for name, weight in head.named_parameters():
                if name.startswith(f'retina_{kind}'):
                    weight.mul_(factor)
    return detector


def pictures(divisor: int, batch: int) -> list[Any]:
    """Random batches, one of each size."""
    generator = np.random.default_rng(0)
    return [
        generator.integers(0, 256, (batch, 3, rows * divisor, columns * divisor)).astype(np.float32)
        for rows, columns in SIZES
    ]


def main() -> None:
    """Compare."""
    parser = new_parser(__doc__)
    parser.add_argument('--archs', type=int, default=20, help='random archs of each space')
    parser.add_argument('--batches', type=int, nargs='+', default=[1, 3], help='images at once')
    parser.add_argument('--only', help='only configs whose name has this in it')
    args = parser.parse_args()
    warnings.simplefilter('ignore')
    logging.disable(logging.WARNING)
    init_default_scope('mmdet')
    print_head('detector', 'export s', 'MB', 'onnxruntime', 'px', 'OpenVINO', 'px')
    worst: dict[str, list[Parity]] = {'onnxruntime': [], 'OpenVINO': []}
    for name, detector in detectors(args):
        start = time.perf_counter()
        prepared = prepare(detector)
        took = time.perf_counter() - start
        batches = [b for n in args.batches for b in pictures(prepared.divisor, n)]
        runs = dict(onnxruntime=onnx_run(prepared.model), OpenVINO=openvino_run(prepared.model))
        found = {key: compare(detector, prepared, run, batches) for key, run in runs.items()}
        for key, parity in found.items():
            worst[key].append(parity)
        cells = [cell for p in found.values() for cell in (f'{p.score:.1e}', f'{p.pixels:.1e}')]
        print_row(name, f'{took:.1f}', f'{prepared.model.ByteSize() / 1e6:.1f}', *cells)
    for key, parities in worst.items():
        score, pixels = (max(getattr(p, field) for p in parities) for field in ('score', 'pixels'))
        print(f'\n{key}: {len(parities)} detectors, scores within {score:.1e} (goal {SCORE}), boxes '
              f'within {pixels:.1e} px (goal {PIXELS})')  # fmt: skip
    print(f'\n{machine("cpu")}')


if __name__ == '__main__':
    main()
