"""What can be typed after ``mmbfbox``."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

from mmbfbox.deploy.command.bench import bench
from mmbfbox.deploy.command.detecting import detect, video, webcam
from mmbfbox.deploy.command.exporting import add_export_options, export
from mmbfbox.deploy.detector import SCORE
from mmbfbox.deploy.model_file import BACKENDS, PRECISIONS
from mmbfbox.utils.placement import Size
from mmbfbox.version import __version__


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The arguments; ``run`` is what to call with them, which gives the exit code.

    Without a word the help is printed, and the program ends.
    """
    parser = make_parser()
    if not words:
        parser.print_help()
        parser.exit(2)
    return parser.parse_args(words)


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command."""
    parser = argparse.ArgumentParser(
        prog='mmbfbox', description='Find faces on pictures, videos and webcams.'
    )
    parser.add_argument('--version', action='version', version=f'mmbfbox {__version__}')
    commands = parser.add_subparsers(required=True, metavar='COMMAND')

    def command(name: str, run: object, what: str, example: str) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name, help=what, description=what, epilog=f'example:\n  {example}',
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        added.set_defaults(run=run)
        return added

    own = command(
        'detect', detect, 'faces on pictures, folders, patterns and videos',
        'mmbfbox detect photos --pictures found --coco found.json',
    )  # fmt: skip
    own.add_argument(
        'sources', nargs='+', metavar='SOURCE', help='picture, folder, pattern or video'
    )
    own.add_argument('--pictures', metavar='DIR', help='write the pictures with their boxes here')
    _add_outputs(own)
    _add_model(own)
    own = command('video', video, 'faces on a video', 'mmbfbox video clip.mp4 --out found.mp4')
    own.add_argument('source', help='video, or the address of one, like rtsp://...')
    own.add_argument('--out', metavar='FILE', help='write the video with its boxes here')
    _add_outputs(own)
    _add_model(own)
    own = command('webcam', webcam, 'faces before a webcam', 'mmbfbox webcam 0 --out found.mp4')
    own.add_argument('source', nargs='?', type=_number, default=0, help='its number; 0 by default')
    own.add_argument('--out', metavar='FILE', help='write a video with the boxes here')
    own.add_argument(
        '--frames', type=_number, metavar='N', help='stop after so many frames; else Ctrl-C'
    )
    _add_outputs(own)
    _add_model(own)
    own = command(
        'export', export, 'a trained detector as an ONNX file (needs the extra [train])',
        'mmbfbox export work_dirs/final/iter_80000.pth --out model.onnx',
    )  # fmt: skip
    add_export_options(own)
    own = command(
        'bench', bench, 'how long a picture takes here, in every back end',
        'mmbfbox bench model.onnx --size 480x640 --threads 1',
    )  # fmt: skip
    own.add_argument('model', nargs='?', help='ONNX file or folder; the packaged model by default')
    own.add_argument(
        '--size', type=_size, default=(480, 640), metavar='HxW', help='of the input; 480x640'
    )
    own.add_argument('--threads', type=_number, metavar='N', help='all that may be used by default')
    own.add_argument(
        '--rounds', type=_number, default=30, metavar='N', help='runs of each; 30 by default'
    )
    return parser


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        'results; JSON lines on standard output where nothing is asked for'
    )
    group.add_argument(
        '--jsonl', metavar='FILE', help='a JSON object a line for each picture; - prints'
    )
    group.add_argument('--csv', metavar='FILE', help='a row for each face')
    group.add_argument('--coco', metavar='FILE', help='a data set in the form of COCO')
    group.add_argument('--wider', metavar='DIR', help='official txt files of WIDER FACE')


def _add_model(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group('the detector')
    group.add_argument(
        '--model', metavar='PATH', help='model or folder; the packaged one by default'
    )
    group.add_argument('--backend', choices=BACKENDS, default='auto', help='auto by default')
    group.add_argument('--device', default='cpu', help='cpu by default')
    group.add_argument(
        '--size', type=_size, default=640, metavar='SIZE',
        help='longer side in pixels, HEIGHTxWIDTH, or original; 640 by default',
    )  # fmt: skip
    group.add_argument(
        '--score',
        type=float,
        default=SCORE,
        metavar='X',
        help=f'least score of a face; {SCORE} by default',
    )
    group.add_argument(
        '--threads', type=_number, metavar='N', help='all that may be used by default'
    )
    group.add_argument('--precision', choices=PRECISIONS, default='fp32', help='fp32 by default')
    group.add_argument(
        '--tile', action='store_true', help='tiles at full size, too, for tiny faces'
    )
    group.add_argument(
        '--no-exif', action='store_true', help='take pictures as stored, as WIDER FACE does'
    )


def _number(text: str) -> int:
    if not re.fullmatch(r'\d{1,9}', text):
        raise argparse.ArgumentTypeError(f'{text!r} is no whole number, 0 or more')
    return int(text)


def _size(text: str) -> Size:
    if text == 'original':
        return 'original'
    if match := re.fullmatch(r'(\d{1,6})x(\d{1,6})', text):
        return int(match[1]), int(match[2])
    if re.fullmatch(r'\d{1,6}', text):
        return int(text)
    raise argparse.ArgumentTypeError(
        f'{text!r} is no size; give 640, 480x640 (height first) or original'
    )
