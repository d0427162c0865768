"""Evaluate predictions by the official protocol of a benchmark."""

from __future__ import annotations

import argparse
import json
import math
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.evaluation.image_names import check_image_names
from mmbfbox.evaluation.provenance import warn_of_different_schemes
from mmbfbox.utils.files import atomic_write

Results = Mapping[str, Mapping[str, float]]


def detectors(args: argparse.Namespace) -> dict[str, Path]:
    """Name and predictions of each detector, the main one first."""
    main = Path(args.predictions)
    default = main.resolve().name if main.is_dir() else main.stem
    found = {args.name or default: main}
    for text in args.compare:
        name, _, path = text.partition('=')
        if not (name and path) or name in found:
            raise UserError(f'--compare {text}: NAME=PATH is expected, each name only once')
        found[name] = Path(path)
    if any('/' in name for name in found):
        raise UserError('the name of a detector holds a slash; choose a simpler one')
    return found


def report(args: argparse.Namespace, results: Results) -> None:
    """Print the results, and write them to ``summary.json`` in ``--out``."""
    schemes = warn_of_different_schemes(detectors(args))
    clean = {
        name: {key: None if math.isnan(value) else value for key, value in row.items()}
        for name, row in results.items()
    }
    if args.out:
        settings = {
            key: value for key, value in vars(args).items() if key not in ('run', 'out', 'json')
        }
        summary = {'settings': settings, 'tested at': schemes, 'results': clean}
        with atomic_write(Path(args.out) / 'summary.json') as path:
            path.write_text(json.dumps(summary, indent=2, default=str) + '\n')
    if args.json:
        (_, main), *others = clean.items()
        print(json.dumps({**main, **({'compare': dict(others)} if others else {})}))
        return
    rows = [[name, *map(show, row.values())] for name, row in results.items()]
    print_table(['', *next(iter(results.values()))], rows)
    for name, scheme in schemes.items():
        print(f'{name}: tested at {scheme}')


def show(value: float | str) -> str:
    """Fractions with four digits, everything else as it is."""
    return f'{value:.4f}' if isinstance(value, float) else str(value)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Left-aligned names, right-aligned numbers."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for name, *numbers in lines:
        cells = [text.rjust(width) for text, width in zip(numbers, widths[1:], strict=True)]
        print('  '.join([name.ljust(widths[0]), *cells]))


def run_wider(args: argparse.Namespace) -> None:
    """WIDER FACE: precision-recall of the three subsets, errors by height, event and image."""
    from mmbfbox.evaluation.wider.io import read_wider_predictions
    from mmbfbox.evaluation.wider.protocol import WiderGroundTruth, match_wider_face, wider_result

    folder = Path(args.ground_truth)
    nested = folder / 'ground_truth'
    truth = WiderGroundTruth.from_mats(nested if nested.is_dir() else folder)
    results = {}
    for name, path in detectors(args).items():
        predictions = read_wider_predictions(path)
        check_image_names(predictions, truth.names, path)
        matches = match_wider_face(predictions, truth, integer=args.matlab_int)
        if not results:
            table = details(args, predictions, matches, truth)
        results[name] = wider_result(matches, truth)
    if args.out:
        from mmbfbox.evaluation.wider.report import write_curves

        write_curves(args.out, results)
    report(args, {name: result.ap for name, result in results.items()})
    if not args.json:
        print(
            '\nof the first, on the hard faces; misses and false positives at normalised score 0.5:'
        )
        print_table(table[0], [list(map(show, row)) for row in table[1:]])


def details(args: argparse.Namespace, predictions: dict, matches: object, truth: object) -> list:
    """Where the errors of the main detector are: header and rows, also written to ``--out``."""
    if args.json and not args.out:
        return []
    from mmbfbox.evaluation.wider import report as wider_report

    header = ('group', 'name', *wider_report.HEADER)
    rows = wider_report.breakdown(matches, truth)
    if args.out:
        from mmbfbox.evaluation.plots import write_csv

        write_csv(Path(args.out) / 'breakdown.csv', header, rows)
        if args.images:
            sheet = Path(args.out) / 'worst_images.jpg'
            wider_report.write_worst_images(sheet, args.images, predictions, matches, truth)
    return [header[1:], *(row[1:] for row in rows)]


def run_fddb(args: argparse.Namespace) -> None:
    """FDDB: discrete and continuous ROC."""
    from mmbfbox.evaluation.fddb import io as fddb_io
    from mmbfbox.evaluation.fddb.protocol import evaluate_fddb

    folder = Path(args.ground_truth)
    faces = fddb_io.read_fddb_annotations(folder, args.annotations)
    sizes = fddb_io.read_fddb_sizes(folder, list(faces))
    curves = {}
    for name, path in detectors(args).items():
        detections = fddb_io.read_fddb_detections(path)
        check_image_names(detections, faces, path)
        curves[name] = evaluate_fddb(detections, faces, sizes)
    results = {
        name: {
            'discrete_tpr_at_1000': curve.discrete_tpr(1000),
            'continuous_tpr_at_1000': curve.continuous_tpr(1000),
            'faces': curve.faces,
        }
        for name, curve in curves.items()
    }
    if args.out:
        from mmbfbox.evaluation.curve_reports import write_fddb_report

        write_fddb_report(args.out, curves)
    report(args, results)


def run_face_eval(args: argparse.Namespace) -> None:
    """AFW or PASCAL Face: precision-recall after five rounds of box refinement."""
    from mmbfbox.evaluation.face_eval import io as face_eval_io
    from mmbfbox.evaluation.face_eval.protocol import evaluate_face_eval

    faces, flags = face_eval_io.read_face_eval_annotations(args.ground_truth, args.benchmark)
    curves = {}
    for name, path in detectors(args).items():
        detections = face_eval_io.read_face_eval_detections(path)
        check_image_names(detections, faces, path)
        curves[name] = evaluate_face_eval(detections, faces, flags)
    if args.out:
        from mmbfbox.evaluation.curve_reports import write_face_eval_report

        write_face_eval_report(args.out, args.benchmark, curves)
    report(
        args,
        {
            name: {'ap': curve.ap, 'ap_without_refinement': curve.ap_without_refinement}
            for name, curve in curves.items()
        },
    )


def make_parser() -> argparse.ArgumentParser:
    """One subcommand for each benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog='example:\n  python tools/evaluate.py wider work_dirs/predictions '
        '--ground-truth data/wider_face/ground_truth --out work_dirs/evaluation',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest='benchmark', required=True, metavar='BENCHMARK')
    helps = {
        'wider': ('WIDER FACE val: AP easy, medium, hard', 'folder of EVENT/IMAGE.txt'),
        'fddb': ('FDDB: discrete and continuous ROC', 'file, or folder of fold files'),
        'afw': ('AFW: AP by the face-eval protocol', "file of lines 'name score x1 y1 x2 y2'"),
        'pascal': ('PASCAL Face: likewise', "file of lines 'name score x1 y1 x2 y2'"),
    }
    truths = {
        'wider': 'folder of wider_{face,easy,medium,hard}_val.mat',
        'fddb': 'folder of FDDB-folds and of image_sizes.txt or the images',
        'afw': 'folder of new_annotations_AFW.mat',
        'pascal': 'folder of Annotations_Face_PASCALLayout_large_fixed.mat',
    }
    runs = {'wider': run_wider, 'fddb': run_fddb, 'afw': run_face_eval, 'pascal': run_face_eval}
    for benchmark, (what, predictions) in helps.items():
        command = commands.add_parser(
            benchmark,
            help=what,
            description=what,
            epilog=f'example:\n  python tools/evaluate.py {benchmark} PREDICTIONS '
            f'--ground-truth data/{benchmark} --out work_dirs/{benchmark}',
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(run=runs[benchmark])
        command.add_argument('predictions', metavar='PREDICTIONS', help=predictions)
        command.add_argument('--ground-truth', required=True, metavar='DIR', help=truths[benchmark])
        command.add_argument('--json', action='store_true', help='print one JSON object only')
        command.add_argument('--out', metavar='DIR', help='write curves and tables here')
        command.add_argument('--name', help='of the detector in figures; the path by default')
        command.add_argument(
            '--compare',
            nargs='+',
            default=[],
            metavar='NAME=PATH',
            help='more predictions to draw into the same figures',
        )
    wider, fddb = commands.choices['wider'], commands.choices['fddb']
    wider.add_argument(
        '--matlab-int',
        action='store_true',
        help="the official MATLAB program's rounding to whole pixels and overlaps",
    )
    wider.add_argument(
        '--images', metavar='DIR', help='folder of EVENT/IMAGE.jpg, to draw the 20 worst to --out'
    )
    fddb.add_argument(
        '--annotations', type=Path, metavar='FILE', help='another ellipse list than the folds'
    )
    return parser


@exit_on_user_error
def main() -> None:
    """Evaluate."""
    args = make_parser().parse_args()
    warnings.showwarning = lambda message, *_, **__: print(f'warning: {message}', file=sys.stderr)
    args.run(args)


if __name__ == '__main__':
    main()
