"""CPU time and memory of the evaluation, beside the usual way of computing WIDER FACE AP.

    python benchmarks/evaluation/protocol_speed.py --skip usual many

Needs the official ground truth and the detections of published detectors: folders wider_ground_truth,
wider_predictions and fddb in --data. The usual way is that of the common Python ports: images, detections
and thresholds one by one. --skip leaves out what takes long: usual (half a minute), many (7.8 million
boxes, minutes), fddb.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import numpy as np

from benchmarks.common.scripts import new_parser
from benchmarks.common.timing import timed
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.evaluation.fddb.io import (
    read_fddb_annotations,
    read_fddb_detections,
    read_fddb_sizes,
)
from mmbfbox.evaluation.fddb.protocol import evaluate_fddb
from mmbfbox.evaluation.overlap import iou_matrix
from mmbfbox.evaluation.wider.io import read_wider_predictions, write_wider_predictions
from mmbfbox.evaluation.wider.protocol import (
    SUBSETS,
    WiderGroundTruth,
    average_precision,
    evaluate_wider_face,
)
from mmbfbox.utils.files import atomic_write

DATA = Path(__file__).resolve().parents[3] / 'shared' / 'data'
MANY = 7_800_000


def usual_way(predictions: dict[str, np.ndarray], truth: WiderGroundTruth) -> dict[str, float]:
    """AP as the common Python ports compute it: images, detections and thresholds one by one."""
    scores = np.concatenate([rows[:, 4] for rows in predictions.values()])
    low, high = scores.min(), scores.max()
    aps = {}
    for subset in SUBSETS:
        counts = np.zeros((1000, 2))
        faces = 0
        for name, boxes, keep in zip(truth.names, truth.boxes, truth.keep[subset], strict=True):
            faces += keep.sum()
            rows = predictions[name]
            if not len(rows) or not len(boxes):
                continue
            rows = rows[np.argsort(-rows[:, 4], kind='stable')]
            score = (rows[:, 4] - low) / (high - low)
            overlaps = iou_matrix(
                np.hstack((rows[:, :2], rows[:, :2] + rows[:, 2:4])),
                np.hstack((boxes[:, :2], boxes[:, :2] + boxes[:, 2:])),
            )
            state = np.zeros(len(boxes))
            valid = np.ones(len(rows))
            recalled = np.zeros(len(rows))
            for row in range(len(rows)):
                best = overlaps[row].argmax()
                if overlaps[row].max() >= 0.5:
                    if not keep[best]:
                        state[best] = valid[row] = -1
                    elif state[best] == 0:
                        state[best] = 1
                recalled[row] = len(np.where(state == 1)[0])
            for step in range(1000):
                above = np.where(score >= 1 - (step + 1) / 1000)[0]
                if len(above):
                    counts[step, 0] += len(np.where(valid[: above[-1] + 1] == 1)[0])
                    counts[step, 1] += recalled[above[-1]]
        precision = counts[:, 1] / np.maximum(counts[:, 0], 1)
        aps[subset] = average_precision(counts[:, 1] / faces, precision)
    return aps


def many_boxes(predictions: dict[str, np.ndarray], total: int) -> dict[str, np.ndarray]:
    """About ``total`` boxes scattered around the given ones, equally many in each image."""
    rng = np.random.default_rng(0)
    number = total // len(predictions)
    scattered = {}
    for name, rows in predictions.items():
        source = rows if len(rows) else np.array([[0, 0, 20, 20, 0.5]])
        boxes = source[rng.integers(0, len(source), number)]
        scattered[name] = np.abs(boxes + rng.normal(0, [3, 3, 3, 3, 0.05], boxes.shape))
    return scattered


def peak_gib() -> float:
    """Greatest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


@exit_on_user_error
def main() -> None:
    """Measure."""
    parser = new_parser(__doc__)
    parser.add_argument(
        '--data',
        type=Path,
        default=DATA,
        metavar='DIR',
        help='folder with wider_ground_truth, wider_predictions and fddb',
    )
    parser.add_argument(
        '--skip',
        nargs='+',
        default=[],
        choices=['usual', 'many', 'fddb'],
        help='parts to leave out',
    )
    parser.add_argument('--out', type=Path, metavar='FILE', help='write the figures as JSON')
    args = parser.parse_args()
    if not (args.data / 'wider_predictions').is_dir():
        raise UserError(f'{args.data} has no wider_predictions; give --data')
    warnings.simplefilter('ignore', UserWarning)

    figures: dict[str, float] = {}
    folder = args.data / 'wider_predictions' / 'illenium7_yolov5face'

    def ours() -> tuple[dict[str, np.ndarray], WiderGroundTruth, dict[str, float]]:
        truth = WiderGroundTruth.from_mats(args.data / 'wider_ground_truth')
        predictions = read_wider_predictions(folder)
        return predictions, truth, evaluate_wider_face(predictions, truth).ap

    def record(name: str, value: float, unit: str) -> None:
        figures[name] = value
        print(f'{name:<52}{value:9.3f} {unit}', flush=True)

    (predictions, truth, ap), seconds = timed(ours, time.process_time)
    record('WIDER val, 84,111 boxes, reading included', seconds, 'CPU s')
    if 'usual' not in args.skip:
        print('the usual way takes half a minute ...', file=sys.stderr)
        usual, slow = timed(lambda: usual_way(predictions, truth), time.process_time)
        record('the same in the usual way, reading not included', slow, 'CPU s')
        record('times faster', slow / seconds, '')
        record('greatest difference in AP', max(abs(usual[s] - ap[s]) for s in SUBSETS), '')
    if 'fddb' not in args.skip:

        def fddb() -> object:
            faces = read_fddb_annotations(args.data / 'fddb')
            sizes = read_fddb_sizes(args.data / 'fddb', list(faces))
            path = args.data / 'fddb' / 's3fd' / 'fddb_s3fd_result.txt'
            return evaluate_fddb(read_fddb_detections(path), faces, sizes)

        record('FDDB, 34,019 detections of S3FD', timed(fddb, time.process_time)[1], 'CPU s')
    if 'many' not in args.skip:
        print('writing 7.8 million boxes takes a minute ...', file=sys.stderr)
        with tempfile.TemporaryDirectory() as temporary:
            write_wider_predictions(temporary, many_boxes(predictions, MANY))
            del predictions
            predictions, reading = timed(
                lambda: read_wider_predictions(temporary), time.process_time
            )
        _, seconds = timed(lambda: evaluate_wider_face(predictions, truth), time.process_time)
        record('WIDER val, 7.8 million boxes, reading', reading, 'CPU s')
        record('WIDER val, 7.8 million boxes, evaluation', seconds, 'CPU s')
        record('greatest memory of this run', peak_gib(), 'GiB')
    if args.out:
        with atomic_write(args.out) as path:
            path.write_text(json.dumps(figures, indent=2) + '\n')


if __name__ == '__main__':
    main()
