"""What does reading stored samples take, beside rendering them?

    python benchmarks/data/stored_samples.py --data data/WIDERFace

The training crops of a light network, by one process with one thread: rendered, stored when they are
rendered, and read again, while the disk's cache still holds them. CPU seconds count.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import cv2
import torch
from mmdet.registry import DATASETS
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader

import mmbfbox.datasets  # noqa: F401, registers
from benchmarks.common.scripts import machine, new_parser, print_head, print_row
from benchmarks.common.timing import timed
from mmbfbox.datasets import ResumableSampler
from mmbfbox.errors import exit_on_user_error
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import set_data_root

CONFIG = 'light/0.5g/bfbox_reference_light-0.5g_wider_mini'


def take(dataset: Any, images: int) -> float:
    """CPU seconds for the first samples of a run."""
    sampler = ResumableSampler(dataset, seed=0)
    loader = iter(DataLoader(dataset, 10, sampler=sampler, collate_fn=list))
    return timed(lambda: [next(loader) for _ in range(images // 10)], time.process_time)[1]


@exit_on_user_error
def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument('--data', type=Path, required=True, help='folder in WIDER FACE layout')
    parser.add_argument('--images', type=int, default=400, help='samples to take')
    args = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    init_default_scope('mmdet')
    config = load_config(CONFIG)
    set_data_root(config, args.data)
    rendered = config.train_dataloader.dataset
    take(DATASETS.build(rendered), 50)  # the first ones warm up
    with tempfile.TemporaryDirectory() as folder:
        stored = dict(type='StoredSamples', dataset=rendered, folder=folder)
        seconds = {
            'rendered': take(DATASETS.build(rendered), args.images),
            'rendered and stored': take(DATASETS.build(stored), args.images),
            'read': take(DATASETS.build(stored), args.images),
        }
        size = sum(path.stat().st_size for path in Path(folder).rglob('*.pth')) / args.images
    print_head('samples', 'a second', 'of the time of rendering')
    for name, taken in seconds.items():
        print_row(name, f'{args.images / taken:.0f}', f'{taken / seconds["rendered"]:.2f}')
    print(f'\n{size / 1000:.0f} kB each; {machine("cpu")}')


if __name__ == '__main__':
    main()
