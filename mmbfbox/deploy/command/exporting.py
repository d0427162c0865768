"""``mmbfbox export``: the one part of the command that needs torch."""

from __future__ import annotations

import argparse
from pathlib import Path

from mmbfbox.errors import UserError

LAYOUTS = ('levels', 'scrfd', 'yunet')


def add_export_options(parser: argparse.ArgumentParser) -> None:
    """What can be chosen about an export."""
    parser.add_argument('checkpoint', help='checkpoint of a detector')
    parser.add_argument('--out', required=True, metavar='FILE.onnx', help='file to write')
    parser.add_argument(
        '--config',
        help="the model's config; by default the checkpoint's own, else config.py beside it",
    )
    parser.add_argument(
        '--layout',
        choices=LAYOUTS,
        default='levels',
        help="form of the outputs: this project's own (levels), insightface's SCRFD (scrfd), or OpenCV's "
        'FaceDetectorYN (yunet)',
    )
    parser.add_argument(
        '--strides', nargs='+', type=int, metavar='N',
        help='levels to export, for readers that do not know all; faces of the others are lost',
    )  # fmt: skip
    parser.add_argument('--nms', action='store_true', help='let the file suppress boxes itself')
    parser.add_argument('--licence', default='not stated', help='of the weights, noted in the file')
    parser.add_argument(
        '--name', help="of the detector, noted in the file; by default the file's name"
    )
    parser.add_argument(
        '--images', metavar='DIR', help='pictures to compare on, beside random ones'
    )
    parser.add_argument(
        '--int8', metavar='DIR',
        help='training pictures; also write FILE.int8.onnx, calibrated on 64 of them',
    )  # fmt: skip
    parser.add_argument(
        '--wider', metavar='DIR', help='folder in WIDER FACE layout; tells the AP that int8 costs'
    )
    parser.add_argument(
        '--size',
        type=int,
        default=640,
        help='longer side of the pictures in pixels; 640 by default',
    )
    parser.add_argument('--openvino', action='store_true', help='also write FILE.xml and FILE.bin')


def export(args: argparse.Namespace) -> int:
    """Write a detector as an ONNX file.

    Raises:
        UserError: torch or mmdet is not there, or the detector cannot be exported so.
    """
    try:
        from mmbfbox.export.onnx.files import write_onnx_files
        from mmbfbox.utils.config import load_config
    except ImportError as error:
        raise UserError(
            f'exporting needs what trains a detector ({error}); pip install "mmbfbox[train]"'
        ) from error
    if Path(args.out).suffix != '.onnx':
        raise UserError(f'--out is {args.out}; expected a file name that ends in .onnx')
    if args.wider and not args.int8:
        raise UserError('--wider tells what int8 costs; give the training pictures as --int8, too')
    written = write_onnx_files(
        args.checkpoint,
        args.out,
        config=load_config(args.config) if args.config else None,
        kind=getattr(args, 'weights', None),
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
    parity = written.exported.parity
    print(f'{parity} from the detector, on {parity.images} images')
    for path in written.paths:
        print(f'wrote {path} ({path.stat().st_size / 1e6:.2f} MB)')
    for name, scores in written.scores.items():
        print(f'{name}: ' + ', '.join(f'{subset} {100 * ap:.2f}' for subset, ap in scores.items()))
    return 0
