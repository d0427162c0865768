"""``mmbfbox export``: the one part of the command that needs torch."""

from __future__ import annotations

import argparse
from pathlib import Path

from mmbfbox.errors import UserError

LAYOUTS = ('levels', 'scrfd', 'yunet')


def export(args: argparse.Namespace) -> int:
    """Write a detector as an ONNX file.

    Raises:
        UserError: torch or mmdet is not there, or the detector cannot be exported so.
    """
    try:
        from mmbfbox.export.onnx.exporting import export_onnx, read_detector
        from mmbfbox.utils.config import load_config
    except ImportError as error:
        raise UserError(
            f'exporting needs what trains a detector ({error}); pip install "mmbfbox[train]"'
        ) from error
    config = load_config(args.config) if args.config else None
    detector = read_detector(args.checkpoint, config)
    name = args.name or Path(args.out).stem
    written = export_onnx(detector, args.layout, args.strides, args.nms, args.licence, name)
    print(f'wrote {written.write(args.out)}: {written.parity}')
    return 0
