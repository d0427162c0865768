"""The light families beside published detectors of their classes: costs and AP at VGA.

    python benchmarks/evaluation/light_classes.py

Multiply-adds are those of the whole detector for one VGA image, as SCRFD counts them. Of each family: the
cheapest, the median and the most expensive of the random architectures that its search allows, and the
baseline. AP in % on WIDER FACE's validation images, their long side scaled to 640. Sources: SCRFD, the
table in detection/scrfd/README.md of the repository insightface; DamoFD, the table of its paper (ICLR 2023);
YuNet, the README of the repository libfacedetection.train, which gives multiply-adds at 320x320 (a third of
those at VGA) and AP at the images' own size, where more of the small faces are found: not to be compared.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

from mmdet.registry import MODELS
from mmengine.registry import init_default_scope

from benchmarks.common.light import CLASSES, Family, family
from benchmarks.common.scripts import new_parser, print_head, print_row
from mmbfbox.models import traced_macs
from mmbfbox.search.report import readable
from mmbfbox.utils.without_storage import without_storage

VGA = (480, 640)


class Published(NamedTuple):
    """Multiply-adds, parameters and AP (easy, medium, hard) that a detector's authors give."""

    macs: float
    params: float
    ap: tuple[float, float, float]


PUBLISHED = {
    '0.5g': {
        'SCRFD-0.5GF': Published(0.508e9, 0.57e6, (90.57, 88.12, 68.51)),
        'DamoFD-0.5G': Published(0.52e9, 0.26e6, (90.32, 88.36, 71.03)),
        'YuNet_n, AP at original size': Published(3 * 0.149e9, 75_856, (89.2, 88.3, 81.1)),
        'YuNet_s, AP at original size': Published(3 * 0.096e9, 54_608, (88.7, 87.1, 76.8)),
    },
    '2.5g': {
        'SCRFD-2.5GF': Published(2.53e9, 0.67e6, (93.78, 92.16, 77.87)),
        'DamoFD-2.5G': Published(2.46e9, 0.44e6, (92.82, 91.48, 78.70)),
    },
    '10g': {
        'SCRFD-10GF': Published(9.98e9, 3.86e6, (95.16, 93.87, 83.05)),
        'DamoFD-10G': Published(9.74e9, 1.27e6, (95.14, 94.29, 84.07)),
    },
    '34g': {
        'SCRFD-34GF': Published(34.13e9, 9.80e6, (96.06, 94.92, 85.29)),
        'DamoFD-34G': Published(34.03e9, 6.24e6, (95.63, 94.80, 85.08)),
    },
}


def print_family(name: str, ours: Family) -> None:
    """The rows of one class."""
    for title, one in PUBLISHED[name].items():
        ap = [f'{value:.2f}' for value in one.ap]
        print_row(name, title, readable(one.macs), '-', '-', readable(one.params), *ap)
    archs = ours.allowed()
    for title, arch in (
        ('cheapest', archs[0]),
        ('median', archs[len(archs) // 2]),
        ('most expensive', archs[-1]),
    ):
        whole, backbone = ours.costs.detector(arch), ours.costs.backbone(arch.stages)
        parts = readable(backbone.macs), readable(whole.macs - backbone.macs)
        print_row(
            name, f'{title} that the search allows', readable(whole.macs), *parts,
            readable(whole.params), *'---',
        )  # fmt: skip
    with without_storage():
        network = MODELS.build(ours.baseline)
    backbone_macs, macs = traced_macs(network, VGA)
    params = sum(weight.numel() for weight in network.parameters())
    parts = readable(backbone_macs), readable(macs - backbone_macs)
    title = f'ResNet-{ours.baseline["backbone"]["depth"]}, the baseline'
    print_row(name, title, readable(macs), *parts, readable(params), *'---')


def main() -> None:
    """Count and print."""
    parser = new_parser(__doc__)
    parser.add_argument(
        '--classes', nargs='+', choices=CLASSES, default=CLASSES, help='which families'
    )
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    init_default_scope('mmdet')
    print_head('class', 'detector', 'MACs at VGA', 'backbone', 'neck and head', 'parameters',
               'easy', 'medium', 'hard')  # fmt: skip
    for name in args.classes:
        print_family(name, family(name))


if __name__ == '__main__':
    main()
