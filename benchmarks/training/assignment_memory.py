"""Memory and time of assigning the faces of a crowded image to anchors: FaceAssigner against mmdet's.

    python benchmarks/training/assignment_memory.py

The reference is mmdet's MaxIoUAssigner with the same rule. Also says whether both assign the same.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import torch
from mmdet.models.task_modules.assigners import MaxIoUAssigner
from mmdet.registry import TASK_UTILS
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

from benchmarks.common.scripts import machine, new_parser, print_head, print_row
from benchmarks.common.timing import timed
from mmbfbox.models import FaceAssigner
from mmbfbox.utils.config import load_config

MIB = 2**20


class PeakMemory:
    """Bytes that tensors take beyond what is there at the start, at their highest."""

    def __enter__(self) -> PeakMemory:
        self._profile = torch.profiler.profile(profile_memory=True)
        self._profile.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._profile.__exit__(*error)
        now = self.bytes = 0
        for event in self._profile.profiler.kineto_results.events():
            if event.name() == '[memory]':
                now += event.nbytes()
                self.bytes = max(self.bytes, now)


def assignment(args: argparse.Namespace) -> None:
    """FaceAssigner against mmdet's MaxIoUAssigner with the same rule on a crowded image."""
    config = load_config('paper/bfbox_supernet_wider_face').model.bbox_head.anchor_generator
    levels = [(args.canvas >> shift, args.canvas >> shift) for shift in range(2, 8)]
    anchors = torch.cat(TASK_UTILS.build(config).grid_priors(levels, device='cpu'))
    generator = torch.Generator().manual_seed(0)
    sides = 8 * 2 ** (3 * torch.rand(args.faces, 1, generator=generator))
    corners = torch.rand(args.faces, 2, generator=generator) * (args.canvas - sides)
    faces = InstanceData(
        bboxes=torch.cat([corners, corners + sides * torch.tensor([1.0, 1.25])], 1),
        labels=torch.zeros(args.faces, dtype=torch.long),
    )
    priors = InstanceData(priors=anchors)
    matrix = len(anchors) * args.faces * 4
    assigners = {
        'mmdet MaxIoUAssigner': MaxIoUAssigner(0.35, 0.35, min_pos_iou=0, gt_max_assign_all=False),
        'FaceAssigner': FaceAssigner(),
    }
    print(
        f'\n{args.faces} faces, {len(anchors)} anchors; the IoU matrix alone takes '
        f'{matrix / MIB:.0f} MiB'
    )
    print_head('assigner', 'peak memory', 'of the matrix', 'seconds')
    results = {}
    for name, assigner in assigners.items():
        with PeakMemory() as peak:
            results[name] = assigner.assign(priors, faces)
        seconds = statistics.median(
            timed(lambda assigner=assigner: assigner.assign(priors, faces))[1] for _ in range(3)
        )
        share = peak.bytes / matrix
        print_row(name, f'{peak.bytes / MIB:.1f} MiB', f'{share:.3f}', f'{seconds:.2f}')
    theirs, ours = results.values()
    equal = all(
        torch.equal(getattr(theirs, key), getattr(ours, key))
        for key in ('gt_inds', 'labels', 'max_overlaps')
    )
    print(f'labels, faces and IoU of all anchors are {"equal" if equal else "DIFFERENT"}')


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument('--faces', type=int, default=2000, help='faces on the image')
    parser.add_argument('--canvas', type=int, default=640, help='image side in pixels')
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    init_default_scope('mmdet')
    assignment(args)
    print(f'\n{machine("cpu")}')


if __name__ == '__main__':
    main()
