"""Images per second and core of the training pipeline, against the same steps made of mmdet's own.

All pipelines see the same training images in the same order and draw the same windows; they take
turns, image by image, in one process with one thread. `mmdet` is LoadImageFromFile,
PhotoMetricDistortion, Resize, mmcv's imcrop (which pads), RandomFlip and PackDetInputs around our
drawing of the window: once resizing the whole image, as data-anchor-sampling is defined, and once in
the quicker order for each image (cropping first where the image grows). `ours, decoded whole` is our
pipeline without reduced decoding.

    python benchmarks/data/pipeline_speed.py --data data/WIDERFace --images 400
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import cv2
import mmcv
import numpy as np
import torch
from mmcv.transforms import Compose
from mmdet.datasets.transforms import Resize
from mmdet.registry import DATASETS, TRANSFORMS
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.registry import init_default_scope

import mmbfbox.datasets  # noqa: F401, registers
from benchmarks.common.scripts import machine, new_parser, print_head, print_row
from benchmarks.common.timing import timed
from mmbfbox.datasets import DataAnchorSampling, ResumableSampler
from mmbfbox.datasets.randomness import new_generator, seeded
from mmbfbox.datasets.transforms.data_anchor_sampling import anchor_window
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import set_data_root
from mmbfbox.utils.named_steps import change_steps

NAMES = ('nearest', 'bilinear', 'bicubic', 'area', 'lanczos')


@TRANSFORMS.register_module()
class StockSampling(DataAnchorSampling):
    """Data-anchor-sampling by mmdet's Resize and mmcv's imcrop."""

    def __init__(self, quick: bool, **keys: Any) -> None:
        super().__init__(**keys)
        self.quick = quick

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace the image and its boxes by those of one random window."""
        rng = new_generator()
        height, width = results['img'].shape[:2]
        boxes, ignored = results['gt_bboxes'].numpy(), results['gt_ignore_flags']
        candidates = boxes[~ignored & ((boxes[:, 2:] - boxes[:, :2]) > 0).all(1)]
        rng.random()  # the draw of the preset
        face = candidates[rng.integers(len(candidates))]
        window = anchor_window(rng, face, (height, width), self.canvas, self.anchors)
        name = NAMES[rng.integers(5)]
        corner = np.array([window.left, window.top, window.left, window.top], float)
        corner[2:] += window.size - 1
        fill = self.mean.astype(float).tolist()
        if self.quick and window.ratio > 1:
            part = corner / window.ratio
            results['img'] = mmcv.imcrop(results['img'], np.round(part), pad_fill=fill)
            results['img_shape'] = results['img'].shape[:2]
            results['gt_bboxes'].translate_([-round(part[0]), -round(part[1])])
            results = resize((self.canvas, self.canvas), name)(results)
        else:
            size = max(1, round(width * window.ratio)), max(1, round(height * window.ratio))
            results = resize(size, name)(results)
            results['img'] = mmcv.imcrop(results['img'], corner, pad_fill=fill)
            results['gt_bboxes'].translate_([-window.left, -window.top])
        results['img_shape'] = results['img'].shape[:2]
        boxes = results['gt_bboxes'].numpy()
        kept, ignored = self._filter(boxes, ignored)
        results['gt_bboxes'] = HorizontalBoxes(boxes[kept].clip(0, self.canvas))
        results['gt_bboxes_labels'] = results['gt_bboxes_labels'][kept]
        results['gt_ignore_flags'] = ignored[kept]
        return results


def resize(size: tuple[int, int], name: str) -> Resize:
    """mmdet's transform to exactly ``size`` (width, height)."""
    return Resize(scale=size, keep_ratio=False, clip_object_border=False, interpolation=name)


def pipelines(config: Any) -> dict[str, Compose]:
    """The pipelines by name, ours first."""
    ours = config.train_dataloader.dataset.pipeline
    kinds = [step['type'] for step in ours]
    sampling = {k: v for k, v in ours[kinds.index('DataAnchorSampling')].items() if k != 'type'}
    whole = [dict(step, decode=True) if step['type'] == 'LoadFaceImage' else step for step in ours]

    def stock(quick: bool) -> list[dict[str, Any]]:
        return [
            dict(type='LoadImageFromFile'),
            ours[kinds.index('LoadAnnotations')],
            dict(type='PhotoMetricDistortion'),
            dict(type='StockSampling', quick=quick, **sampling),
            *ours[kinds.index('RandomFlip') :],
        ]

    return {
        'ours': Compose(ours),
        'ours, decoded whole': Compose(whole),
        'mmdet, the quicker order': Compose(stock(True)),
        'mmdet, resize then crop': Compose(stock(False)),
    }


@exit_on_user_error
def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument('--data', type=Path, required=True, help='folder in WIDER FACE layout')
    parser.add_argument('--images', type=int, default=400, help='images that each pipeline makes')
    parser.add_argument('--canvas', type=int, default=640, help='side of the canvas in pixels')
    args = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    init_default_scope('mmdet')
    config = load_config('paper/bfbox_subnet_wider_face')
    set_data_root(config, args.data)
    files = config.train_dataloader.dataset
    files.pipeline = change_steps(files.pipeline, DataAnchorSampling=dict(canvas=args.canvas))
    dataset = DATASETS.build(dict(files, pipeline=[]))
    infos = [dataset.get_data_info(int(index)) for index in range(len(dataset))]
    with_faces = [info for info in infos if any(not f['ignore_flag'] for f in info['instances'])]
    if not with_faces:
        raise UserError(f'{args.data} has no training image with a face; give another --data')

    seconds: dict[str, list[float]] = {name: [] for name in pipelines(config)}
    made = pipelines(config)
    order = iter(ResumableSampler(with_faces, seed=0))
    for number in range(args.images + 10):
        index = next(order)
        for name in sorted(made, reverse=bool(number % 2)):
            info = dict(with_faces[index], skipped=())
            with seeded(*index.key):
                _, taken = timed(lambda name=name, info=info: made[name](info))
            if number >= 10:  # the first ones warm up
                seconds[name].append(taken)
    print(f'{args.images} images at {args.canvas}x{args.canvas}, one thread')
    print_head('pipeline', 'images per second', 'median ms', 'ours is faster')
    best = sum(seconds['ours'])
    for name, taken in seconds.items():
        total = sum(taken)
        median = 1000 * statistics.median(taken)
        print_row(name, f'{len(taken) / total:.1f}', f'{median:.1f}', f'{total / best:.2f} x')
    print(f'\n{machine("cpu")}')


if __name__ == '__main__':
    main()
