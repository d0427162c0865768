"""Which score should a detector's boxes have at least? Precision and recall by score, on annotated pictures.

    python benchmarks/deploy/score_threshold.py --data DATA          # the packaged detector, test images
    python benchmarks/deploy/score_threshold.py model.onnx --data DATA --images train --number 200

A box is right if it overlaps an annotated face by an IoU of 0.5 or more, also one that protocols ignore.
Recall counts faces of at least --least pixels in pictures whose long side is 640.
A threshold is chosen on training images, and then looked at once on test images. A second table says how many
faces of each height are found at the default score.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import numpy as np
from numpy.typing import NDArray

from benchmarks.common.scripts import new_parser, print_head, print_row
from mmbfbox.datasets.wider_annotations import parse_wider_annotations
from mmbfbox.deploy import FaceDetector
from mmbfbox.deploy.detector import SCORE
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.evaluation.overlap import iou_matrix

SIZE, LOWEST, OVERLAP = 640, 0.1, 0.5
STEPS = np.arange(2, 17) / 20
HEIGHTS = (10, 20, 40, 80, 160, 320, SIZE + 1)
Floats = NDArray[np.float64]


def main() -> None:
    """Detect and print."""
    parser = new_parser(__doc__)
    parser.add_argument('model', nargs='?', help='exported model; the packaged one by default')
    parser.add_argument('--data', type=Path, required=True, help='folder in WIDER FACE layout')
    parser.add_argument('--images', choices=('val', 'train'), default='val', help='which ones')
    parser.add_argument('--number', type=int, help='of images, drawn at random; all by default')
    parser.add_argument('--least', type=float, default=20, help='height of the faces to find')
    args = parser.parse_args()
    records = parse_wider_annotations(
        args.data / f'wider_face_split/wider_face_{args.images}_bbx_gt.txt'
    )
    if args.number is not None:
        if not 1 <= args.number <= len(records):
            raise UserError(
                f'--number is {args.number}; there are {len(records)} images, give 1 to so many'
            )
        chosen = np.random.default_rng(0).permutation(len(records))[: args.number]
        records = [records[index] for index in sorted(chosen)]
    detector = FaceDetector(args.model, size=SIZE, score=LOWEST)
    scores: list[Floats] = []
    right: list[NDArray[np.bool_]] = []
    found: list[Floats] = []
    tall: list[Floats] = []
    for number, record in enumerate(records, 1):
        path = args.data / f'WIDER_{args.images}/images' / record.name
        faces = detector.detect(path, exif=False)
        overlaps = iou_matrix(faces.boxes.astype(float), record.boxes.astype(float))
        hits = overlaps >= OVERLAP
        heights = (record.boxes[:, 3] - record.boxes[:, 1]) * SIZE / max(faces.height, faces.width)
        scores.append(faces.scores.astype(float))
        right.append(hits.any(1))
        # The best score of a box that finds each face; 0 of none.
        best = (hits * faces.scores[:, None]).max(0, initial=0)
        found.append(best[~record.invalid])
        tall.append(heights[~record.invalid])
        print(f'\r{number}/{len(records)}', end='', file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print_head('score', 'boxes right', f'faces of {args.least:g} pixels found', 'F1', 'false boxes')
    every, good, best_scores, pixels = map(np.concatenate, (scores, right, found, tall))
    for least in STEPS:
        kept = every >= least
        precision = float(good[kept].mean()) if kept.any() else 1.0
        recall = float((best_scores[pixels >= args.least] >= least).mean())
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        cells = [f'{value:.1%}' for value in (precision, recall)]
        print_row(f'{least:.2f}', *cells, f'{f1:.3f}', int((kept & ~good).sum()))
    print()
    print_head('height', 'faces', f'found at {SCORE:g}')
    for low, high in pairwise(HEIGHTS):
        inside = (pixels >= low) & (pixels < high)
        share = f'{(best_scores[inside] >= SCORE).mean():.1%}' if inside.any() else ''
        print_row(f'{low} to {min(high, SIZE)}', int(inside.sum()), share)


if __name__ == '__main__':
    exit_on_user_error(main)()
