"""Export a detector as ONNX, for programs that know neither torch nor this project."""

from __future__ import annotations

from mmbfbox.command_line import make_parser
from mmbfbox.deploy.command.exporting import add_export_options, export
from mmbfbox.engine.checkpoint.weights import KINDS
from mmbfbox.errors import exit_on_user_error


@exit_on_user_error
def main() -> None:
    """Export."""
    parser = make_parser(
        'Write a detector as an ONNX file for any batch and any image in multiples of its largest stride. '
        'Each export is compared with the detector itself; what does not agree is not written. The same '
        'as "mmbfbox export".',
        'python tools/export_onnx.py work_dirs/final/iter_80000.pth --out face.onnx '
        '--int8 data/WIDERFace/WIDER_train/images',
    )
    add_export_options(parser)
    parser.add_argument(
        '--weights',
        choices=KINDS,
        help='raw weights or their moving average (ema), where the checkpoint has both; the average by '
        'default',
    )
    export(parser.parse_args())


if __name__ == '__main__':
    main()
