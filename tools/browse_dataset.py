"""Write pictures of what the network sees: training images after the pipeline, boxes drawn."""

from __future__ import annotations

import mmbfbox

# isort: split
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmdet.registry import DATASETS
from mmdet.structures import DetDataSample
from mmengine.registry import init_default_scope

import mmbfbox.datasets  # noqa: F401, registers the data sets
from mmbfbox.command_line import add_config_arguments, make_parser
from mmbfbox.engine.hooks.detection_pictures_hook import sheet
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import set_data_root
from mmbfbox.utils.drawing import corners
from mmbfbox.utils.files import atomic_write
from mmbfbox.utils.images import Picture, fit
from mmbfbox.utils.loaders import dependent_loader_options

FACE, IGNORED = (0, 220, 0), (0, 140, 255)
SHEET_CELL = 240


def draw(sample: dict[str, Any]) -> Picture:
    """The sample's ``(3, H, W)`` BGR image as a picture with its boxes."""
    picture = np.ascontiguousarray(sample['inputs'].permute(1, 2, 0).numpy()).astype(np.uint8)
    data_sample = sample['data_samples']
    thickness = max(1, round(max(picture.shape[:2]) / 320))
    for instances, colour in (
        (data_sample.ignored_instances, IGNORED),
        (data_sample.gt_instances, FACE),
    ):
        for box in instances.bboxes.tensor.tolist():
            cv2.rectangle(picture, *corners(picture, box), colour, thickness)
    return picture


def shrink(picture: Picture) -> Picture:
    """A small copy for the contact sheet."""
    return fit(picture, SHEET_CELL, SHEET_CELL)[0]


def image_name(sample: DetDataSample) -> str:
    """The image's name as part of a file name; data sets of COCO JSON only number their images."""
    name = sample.get('img_id', '')
    return (name if isinstance(name, str) else Path(sample.img_path).stem).replace('/', '_')


def write(path: Path, picture: Picture) -> None:
    with atomic_write(path) as temporary:
        cv2.imwrite(str(temporary), picture)


@exit_on_user_error
def main() -> None:
    """Browse."""
    parser = make_parser(
        'Write pictures of what the network sees: training images after the pipeline, faces green, '
        'ignored ones orange.',
        'python tools/browse_dataset.py configs/paper/bfbox_supernet_wider_face.py --out browse --number 24',
    )
    parser.add_argument('config', help='config file, or the name of one that the package ships')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder for the pictures')
    parser.add_argument('--number', type=int, default=24, help='how many pictures; 24 by default')
    parser.add_argument(
        '--seed', type=int, default=0, help='seed of the choice and the augmentation; 0 by default'
    )
    add_config_arguments(parser)
    args = parser.parse_args()
    if args.number < 1:
        raise UserError(f'--number is {args.number}; ask for at least one picture')
    config = load_config(args.config, args.cfg_options)
    if args.data_root is not None:
        set_data_root(config, args.data_root, args.face_category)
    dependent_loader_options(config)
    if 'train_dataloader' not in config:
        raise UserError(f'{args.config} has no train_dataloader; give a config for training')

    init_default_scope(config.get('default_scope', 'mmdet'))
    dataset = DATASETS.build(config.train_dataloader.dataset)
    np.random.seed(args.seed)
    chosen = np.random.permutation(len(dataset))[: args.number]
    out = Path(args.out)
    pictures = []
    for number, index in enumerate(chosen, 1):
        sample = dataset[int(index)]
        pictures.append(draw(sample))
        name = image_name(sample['data_samples'])
        write(out / f'{number:03d}_{name}.png', pictures[-1])
        print(f'{number}/{len(chosen)} {name}')
    write(out / 'contact_sheet.png', sheet([shrink(picture) for picture in pictures]))
    print(f'wrote {len(pictures)} pictures and contact_sheet.png to {out}')


if __name__ == '__main__':
    main()
