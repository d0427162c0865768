"""Write annotations in the form of WIDER FACE as COCO JSON."""

from __future__ import annotations

from pathlib import Path

from mmbfbox.command_line import make_parser
from mmbfbox.datasets.coco_writing import write_coco_annotations
from mmbfbox.datasets.image_sizes import measure_images
from mmbfbox.datasets.wider_annotations import parse_wider_annotations
from mmbfbox.errors import exit_on_user_error


@exit_on_user_error
def main() -> None:
    """Convert."""
    parser = make_parser(
        'Write a wider_face_*_bbx_gt.txt as COCO JSON, for tools that read that. Names of images stay, and '
        'so does their folder. Faces marked invalid become crowds.',
        'python tools/wider_to_coco.py data/WIDERFace/wider_face_split/wider_face_val_bbx_gt.txt '
        '--images data/WIDERFace/WIDER_val/images --out data/WIDERFace/annotations/val.json',
    )
    parser.add_argument('annotations', type=Path, help='wider_face_{train,val}_bbx_gt.txt')
    parser.add_argument(
        '--images', type=Path, required=True, metavar='DIR', help='folder of EVENT/IMAGE.jpg'
    )
    parser.add_argument('--out', type=Path, required=True, metavar='FILE', help='the JSON file')
    args = parser.parse_args()

    records = parse_wider_annotations(args.annotations)
    sizes = measure_images(args.images, [record.name for record in records])
    write_coco_annotations(args.out, records, sizes)
    faces = sum(len(record.boxes) for record in records)
    print(f'wrote {len(records)} images with {faces} faces to {args.out}')


if __name__ == '__main__':
    main()
