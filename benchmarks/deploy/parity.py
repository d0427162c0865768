"""How far exported detectors are from the detectors: torch against onnxruntime and OpenVINO.

    python benchmarks/deploy/parity.py

For every space some random archs, and every baseline of the configs, each in its own width at five sizes
and the given batches. A row has the largest difference of a score and of a side of a box in pixels, of all
boxes before suppression. Weights are random; logits and deltas are scaled to those of a trained head (at
most 1 and 0.5). Configs that differ in their training alone count once. The first arch of every space comes
first, then the baselines, then the other archs. Each detector leaves a line in --record, and the same
command goes on where it was stopped; without that file it begins anew.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import numpy as np
import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope
from torch import nn

from benchmarks.common.recorded_runs import RECORDS
from benchmarks.common.scripts import machine, new_parser, print_head, print_row
from mmbfbox.export import subnet_model
from mmbfbox.export.onnx import prepare
from mmbfbox.export.onnx.parity import PIXELS, SCORE, compare_boxes, expected_boxes
from mmbfbox.export.onnx.sessions import onnx_run, openvino_run
from mmbfbox.models import space_of
from mmbfbox.utils.config import configs_dir, load_config
from mmbfbox.utils.without_storage import without_storage

SIDES = ((128, 128), (128, 256), (256, 128), (384, 128), (256, 256))
"""Heights and widths in pixels, multiples of every largest stride."""
RUNTIMES = {'onnxruntime': onnx_run, 'openvino': openvino_run}

Row = dict[str, Any]


def networks() -> dict[str, Any]:
    """Models of the configs by name; of equal ones the first."""
    models: dict[str, Any] = {}
    root = configs_dir()
    for path in sorted(root.rglob('*.py')):
        name = path.relative_to(root).with_suffix('').as_posix()
        # A search and a subnet inherit the network of their supernet, or have none.
        if '_base_' in path.parts or ('/bfbox_s' in name and '/bfbox_supernet' not in name):
            continue
        model = load_config(name).model
        if model not in models.values():
            models[name] = model
    return models


def chosen(models: dict[str, Any], archs: int) -> list[tuple[str, int | None]]:
    """Names of networks, each with the number of its arch, or None for a baseline."""
    supernets = [name for name in models if '/bfbox_supernet' in name]
    baselines = [(name, None) for name in models if name not in supernets]
    numbered = [(name, index) for index in range(archs) for name in supernets]
    return [*numbered[: len(supernets)], *baselines, *numbered[len(supernets) :]]


def detector_of(model: Any, index: int | None) -> nn.Module:
    """A baseline, or a random arch of a supernet's space."""
    if index is None:
        return build(model, 0)
    with without_storage():
        space = space_of(MODELS.build(model))
    return build(subnet_model(model, space.sample(0, index)), index)


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


def measure(name: str, detector: nn.Module, sizes: list[int]) -> Row:
    """Differences of one detector."""
    start = time.perf_counter()
    prepared = prepare(detector)
    row: Row = dict(detector=name, batches=sizes, seconds=round(time.perf_counter() - start, 1))
    generator = np.random.default_rng(0)
    batches = [
        generator.integers(0, 256, (number, 3, *side)).astype(np.float32)
        for number in sizes
        for side in SIDES
    ]
    expected = [expected_boxes(detector, batch) for batch in batches]
    for runtime, load in RUNTIMES.items():
        parity = compare_boxes(expected, prepared, load(prepared.model), batches)
        row[runtime] = dict(
            version=version(runtime), score=float(parity.score), pixels=float(parity.pixels)
        )
    return row


def read_rows(path: Path, sizes: list[int]) -> dict[str, Row]:
    """What was measured before, by detector; a line that was cut off is measured again."""
    rows: dict[str, Row] = {}
    for line in path.read_text().splitlines() if path.is_file() else []:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if row['batches'] == sizes:
            rows[row['detector']] = row
    return rows


def rows_of(args: argparse.Namespace) -> Iterator[Row]:
    """The rows of what was asked for; what has none yet is measured and appended."""
    path = Path(args.record)
    done = read_rows(path, args.batches)
    path.parent.mkdir(parents=True, exist_ok=True)
    models = {name: own for name, own in networks().items() if not args.only or args.only in name}
    for name, index in chosen(models, args.archs):
        title = name if index is None else f'{name} #{index}'
        if title not in done and not args.table:
            row = measure(title, detector_of(models[name], index), args.batches)
            with path.open('a') as file:
                file.write(json.dumps(row) + '\n')
            done[title] = row
        if title in done:
            yield done[title]


def main() -> None:
    """Compare."""
    parser = new_parser(__doc__)
    parser.add_argument('--archs', type=int, default=20, help='random archs of each space')
    parser.add_argument('--batches', type=int, nargs='+', default=[1, 3], help='images at once')
    parser.add_argument('--only', help='only configs whose name has this in it')
    parser.add_argument('--record', default=RECORDS / 'parity.jsonl', help='lines of the detectors')
    parser.add_argument('--table', action='store_true', help='print the lines and measure nothing')
    args = parser.parse_args()
    warnings.simplefilter('ignore')
    logging.disable(logging.WARNING)
    init_default_scope('mmdet')
    rows = []
    print_head('detector', 'export s', *(cell for name in RUNTIMES for cell in (name, 'px')))
    for row in rows_of(args):
        rows.append(row)
        cells = [f'{row[name][key]:.1e}' for name in RUNTIMES for key in ('score', 'pixels')]
        print_row(row['detector'], row['seconds'], *cells)
    for name in RUNTIMES if rows else ():
        # NumPy's maximum, because Python's may lose NaN.
        score, pixels = (float(np.max([r[name][key] for r in rows])) for key in ('score', 'pixels'))
        print(f'\n{name}: {len(rows)} detectors, scores within {score:.1e} (goal {SCORE}), boxes '
              f'within {pixels:.1e} px (goal {PIXELS})')  # fmt: skip
    print(f'\n{machine("cpu")}')


if __name__ == '__main__':
    main()
