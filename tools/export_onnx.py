"""Export a detector as ONNX, for programs that know neither torch nor this project."""

from __future__ import annotations

from pathlib import Path

from mmbfbox.command_line import make_parser
from mmbfbox.engine.checkpoint.weights import KINDS
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.export.onnx import LAYOUTS
from mmbfbox.export.onnx.files import write_onnx_files
from mmbfbox.utils.config import load_config


@exit_on_user_error
def main() -> None:
    """Export."""
    parser = make_parser(
        'Write a detector as an ONNX file for any batch and any image in multiples of its largest stride. '
        'Each export is compared with the detector itself; what does not agree is not written.',
        'python tools/export_onnx.py work_dirs/final/iter_80000.pth --out face.onnx '
        '--int8 data/WIDERFace/WIDER_train/images',
    )
    parser.add_argument(
        'checkpoint', help='checkpoint of tools/train.py, or weights of export_subnet.py'
    )
    parser.add_argument('--out', required=True, metavar='FILE.onnx', help='file to write')
    parser.add_argument(
        '--config',
        help="the model's config; by default the checkpoint's own, else config.py beside it",
    )
    parser.add_argument(
        '--weights',
        choices=KINDS,
        help='raw weights or their moving average (ema), where the checkpoint has both; the average by '
        'default',
    )
    parser.add_argument(
        '--layout',
        choices=list(LAYOUTS),
        default='levels',
        help="form of the outputs: this project's own (levels), insightface's SCRFD (scrfd), or OpenCV's "
        'FaceDetectorYN (yunet)',
    )
    parser.add_argument(
        '--strides',
        nargs='+',
        type=int,
        metavar='N',
        help='levels to export, for readers that do not know all; faces of the others are lost',
    )
    parser.add_argument('--nms', action='store_true', help='let the file suppress boxes itself')
    parser.add_argument('--licence', default='not stated', help='of the weights, noted in the file')
    parser.add_argument(
        '--name', help="of the detector, noted in the file; by default the file's name"
    )
    parser.add_argument(
        '--images', metavar='DIR', help='pictures to compare on, beside random ones'
    )
    parser.add_argument(
        '--int8',
        metavar='DIR',
        help='training pictures; also write FILE.int8.onnx, calibrated on 64 of them',
    )
    parser.add_argument(
        '--wider', metavar='DIR', help='folder in WIDER FACE layout; tells the AP that int8 costs'
    )
    parser.add_argument(
        '--size', type=int, default=640, help='longer side of the pictures in pixels (default 640)'
    )
    parser.add_argument('--openvino', action='store_true', help='also write FILE.xml and FILE.bin')
    args = parser.parse_args()
    if Path(args.out).suffix != '.onnx':
        raise UserError(f'--out is {args.out}; expected a file name that ends in .onnx')
    if args.wider and not args.int8:
        raise UserError('--wider tells what int8 costs; give the training pictures as --int8, too')

    written = write_onnx_files(
        args.checkpoint,
        args.out,
        config=load_config(args.config) if args.config else None,
        kind=args.weights,
        layout=args.layout,
        strides=args.strides,
        nms=args.nms,
        licence=args.licence,
        name=args.name,
        images=args.images,
        int8=args.int8,
        wider=args.wider,
        size=args.size,
        openvino=args.openvino,
    )
    print(
        f'{written.exported.parity} from the detector, on {written.exported.parity.images} images'
    )
    for path in written.paths:
        print(f'wrote {path} ({path.stat().st_size / 1e6:.2f} MB)')
    for name, scores in written.scores.items():
        print(f'{name}: ' + ', '.join(f'{subset} {100 * ap:.2f}' for subset, ap in scores.items()))


if __name__ == '__main__':
    main()
