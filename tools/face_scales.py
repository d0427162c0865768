"""Draw how large the faces of a data set are relative to the input of a network."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.evaluation.face_scales import measure_face_scales
from mmbfbox.evaluation.plots import plot_distribution, write_csv
from mmbfbox.utils.text import read_lines

SIZES = 2 ** (np.arange(8, 81) / 8)


def read_sizes(path: Path) -> dict[str, tuple[int, int]]:
    """Width and height of each ``event/image.jpg`` from lines ``split,name,width,height``."""
    sizes = {}
    for number, line in enumerate(read_lines(path)[1:], start=2):
        cells = line.split(',')
        if len(cells) != 4 or not all(
            cell.isascii() and cell.isdigit() and len(cell) < 7 for cell in cells[2:]
        ):
            raise UserError(f"{path}:{number}: {line[:60]!r} is not 'split,name,width,height'")
        sizes[cells[1]] = (int(cells[2]), int(cells[3]))
    return sizes


@exit_on_user_error
def main() -> None:
    """Measure and draw."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog='example:\n  python tools/face_scales.py '
        'data/wider_face/wider_face_split/wider_face_val_bbx_gt.txt '
        '--images data/wider_face/WIDER_val/images --out work_dirs/face_scales',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'annotations', type=Path, help='text file like wider_face_val_bbx_gt.txt, or COCO JSON'
    )
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument(
        '--images',
        type=Path,
        metavar='DIR',
        help='folder of the images; not needed where COCO JSON has their sizes',
    )
    sizes.add_argument(
        '--image-sizes', type=Path, metavar='CSV', help='list of split,EVENT/IMAGE.jpg,width,height'
    )
    parser.add_argument(
        '--input-size',
        type=float,
        default=640,
        metavar='PIXELS',
        help='mean scale (square root of the area) of the input; 640 by default',
    )
    parser.add_argument('--out', type=Path, required=True, metavar='DIR', help='for PNG and CSV')
    parser.add_argument(
        '--face-category',
        metavar='NAME',
        help='of COCO annotations with several categories: which one is the face',
    )
    args = parser.parse_args()

    # Imported here, because the data sets bring in mmdet, and --help should be quick.
    from mmbfbox.datasets.coco_annotations import read_coco_annotations
    from mmbfbox.datasets.image_sizes import measure_images
    from mmbfbox.datasets.wider_annotations import parse_wider_annotations

    found: dict[str, tuple[int, int]] = {}
    if args.annotations.suffix == '.json':
        faces = read_coco_annotations(args.annotations, args.face_category)
        records, found = faces.records, faces.sizes
    else:
        records = parse_wider_annotations(args.annotations)
    names = [record.name for record in records]
    if args.images:
        found = measure_images(args.images, names)
    elif args.image_sizes:
        found = read_sizes(args.image_sizes)
    missing = [name for name in names if name not in found]
    if missing:
        source = args.image_sizes or args.annotations
        raise UserError(
            f'{source} lacks the sizes of {len(missing)} images, such as {missing[0]}; give --images or '
            '--image-sizes'
        )
    boxes = np.concatenate([np.zeros((0, 4)), *(record.boxes for record in records)])
    scales = measure_face_scales(
        boxes[:, 2:] - boxes[:, :2], np.array([found[name] for name in names]), args.input_size
    )
    curves = {
        'original images': scales.curve(SIZES, relative=False),
        f'mean image scale brought to {args.input_size:g}': scales.curve(SIZES),
    }
    plot_distribution(
        args.out / 'face_scales.png',
        f'Scales of {len(boxes):,} faces in {len(names):,} images',
        'Face scale (square root of the area, pixels)',
        {label: (SIZES, curve) for label, curve in curves.items()},
    )
    write_csv(
        args.out / 'face_scales.csv',
        ('scale', 'fraction_below_original', 'fraction_below_relative'),
        (
            (f'{size:.3f}', *map('{:.6f}'.format, row))
            for size, *row in zip(SIZES.tolist(), *curves.values(), strict=True)
        ),
    )
    print(f'mean image scale {scales.image_scale:.0f} pixels')
    for label, relative in (('original images', False), (f'at {args.input_size:g}', True)):
        below = [100 * scales.fraction_below(size, relative) for size in (20, 66)]
        print(f'{label}: {below[0]:.1f} % of the faces below 20 pixels, {below[1]:.1f} % below 66')


if __name__ == '__main__':
    main()
