"""Evaluate predictions by the official protocol of a benchmark."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from mmbfbox.artifacts.evaluation_summary import EvaluationSummary
from mmbfbox.artifacts.numbers import to_json_numbers
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.evaluation.files import (
    Evaluation,
    evaluate_face_eval_files,
    evaluate_fddb_files,
    evaluate_wider_files,
)
from mmbfbox.evaluation.provenance import read_test_settings, warn_of_different_schemes


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


def report(args: argparse.Namespace, found: Evaluation) -> None:
    """Print the results, and write them to ``summary.json`` in ``--out``."""
    tested = read_test_settings(detectors(args))
    warn_of_different_schemes(tested)
    if args.out:
        left_out = ('run', 'out', 'json')
        settings = {
            key: str(value) if isinstance(value, Path) else value
            for key, value in vars(args).items()
            if key not in left_out
        }
        schemes = {name: str(own) for name, own in tested.items()}
        summary = EvaluationSummary(settings, found.results, schemes)
        summary.write(Path(args.out) / 'summary.json')
    if args.json:
        (_, main), *others = ((n, to_json_numbers(row)) for n, row in found.results.items())
        print(json.dumps({**main, **({'compare': dict(others)} if others else {})}))
        return
    rows = [[name, *map(show, row.values())] for name, row in found.results.items()]
    print_table(['', *next(iter(found.results.values()))], rows)
    for name, own in tested.items():
        print(f'{name}: tested at {own}')
    if found.breakdown:
        header, *rows = found.breakdown
        print(
            '\nof the first, on the hard faces; misses and false positives at normalised score 0.5:'
        )
        print_table(header, [list(map(show, row)) for row in rows])


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


def run_wider(args: argparse.Namespace) -> Evaluation:
    """WIDER FACE: precision-recall of the three subsets, errors by height, event and image."""
    return evaluate_wider_files(
        detectors(args), args.ground_truth, args.out, args.images, args.matlab_int
    )


def run_fddb(args: argparse.Namespace) -> Evaluation:
    """FDDB: discrete and continuous ROC."""
    return evaluate_fddb_files(detectors(args), args.ground_truth, args.out, args.annotations)


def run_face_eval(args: argparse.Namespace) -> Evaluation:
    """AFW or PASCAL Face: precision-recall after five rounds of box refinement."""
    return evaluate_face_eval_files(detectors(args), args.benchmark, args.ground_truth, args.out)


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
    report(args, args.run(args))


if __name__ == '__main__':
    main()
