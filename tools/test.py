"""Evaluate a detector."""

from __future__ import annotations

import mmbfbox  # noqa: F401, first: mmengine needs a home

# isort: split
import argparse

from mmengine import Config
from mmengine.dist import is_main_process

from mmbfbox.command_line import (
    add_config_arguments,
    add_launcher_argument,
    make_parser,
    read_config,
)
from mmbfbox.engine.checkpoint.weights import KINDS
from mmbfbox.errors import exit_on_user_error
from mmbfbox.inference import PRESETS, HowToTest, test_detector
from mmbfbox.inference.report import level_table
from mmbfbox.inference.settings import BENCHMARKS, use_benchmark
from mmbfbox.search.config import own_device
from mmbfbox.search.scoring.norm_statistics import KINDS as STATISTICS
from mmbfbox.search.scoring.norm_statistics import NormStatistics
from mmbfbox.search.scoring.recalibrated import Recalibrator
from mmbfbox.utils.loaders import dependent_loader_options
from mmbfbox.utils.options import merge_options


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = make_parser(
        'Run a detector over the test images of its config or of another benchmark, report the metric '
        'and write metrics.json, with the scales and views that were used.',
        'python tools/test.py work_dirs/best/config.py work_dirs/final/iter_80000.pth '
        '--out-dir work_dirs/predictions --pictures work_dirs/pictures\n'
        '  python tools/test.py work_dirs/best/config.py work_dirs/final/iter_80000.pth --tta dsfd\n'
        '  python tools/test.py work_dirs/best/config.py work_dirs/final/iter_80000.pth '
        '--benchmark fddb --data-root data/FDDB',
    )
    parser.add_argument('config', help='config file, or the name of one that the package ships')
    parser.add_argument('checkpoint', help='checkpoint of the detector')
    parser.add_argument(
        '--work-dir',
        metavar='DIR',
        help='where the log and metrics.json go; work_dirs/<config> by default',
    )
    parser.add_argument(
        '--out-dir',
        metavar='DIR',
        help="write detections in the benchmark's official layout here",
    )
    parser.add_argument(
        '--benchmark',
        choices=list(BENCHMARKS),
        help='test on FDDB, AFW or PASCAL Face; --data-root then names its folder',
    )
    parser.add_argument(
        '--scheme',
        metavar='SCHEME',
        help='test at one scale: original, vga (long side 640), or SHORTxLONG like 1100x1650 (short side '
        "1100, long side at most 1650); the config's test_scheme, or its own pipeline, by default",
    )
    parser.add_argument(
        '--tta',
        nargs='?',
        const='config',
        choices=['config', *PRESETS],
        metavar='PRESET',
        help='multi-scale test with flips and box voting, as published: '
        f"{', '.join(PRESETS)}; without a preset the config's tta_model",
    )
    parser.add_argument(
        '--per-level',
        action='store_true',
        help='also report each pyramid level alone, in the same pass (tables 1 and 2 of the paper)',
    )
    parser.add_argument(
        '--pictures',
        metavar='DIR',
        help='draw the detections on a few images, and on those with the most errors, and write them here',
    )
    parser.add_argument(
        '--number', type=int, default=9, metavar='N', help='how many pictures; 9 by default'
    )
    parser.add_argument(
        '--arch',
        metavar='FILE',
        help='test a supernet as this subnet (JSON file of the search), its batch norm recalibrated on '
        "the config's recalibration images",
    )
    parser.add_argument(
        '--weights',
        choices=KINDS,
        help='raw weights or their moving average (ema), where the checkpoint has both; the average by '
        'default',
    )
    parser.add_argument(
        '--norm-statistics',
        choices=STATISTICS,
        default='running',
        help='batch-norm statistics to test with: those that training left (running), or pooled over '
        'training crops (crops) or whole training images (images)',
    )
    add_config_arguments(parser)
    add_launcher_argument(parser)
    return parser.parse_args()


def configure(args: argparse.Namespace) -> Config:
    """The config, with the test images of the benchmark that is asked for."""
    data_root = args.data_root
    if args.benchmark:
        args.data_root = None
    config = read_config(args)
    if args.benchmark:
        use_benchmark(config, args.benchmark, data_root)
        # What the command line says about the test holds for the benchmark, too.
        options = args.cfg_options or {}
        of_test = {k: v for k, v in options.items() if k.startswith('test_')}
        merge_options(config, of_test, f'with --benchmark {args.benchmark}')
        dependent_loader_options(config)
    return config


@exit_on_user_error
def main() -> None:
    """Test."""
    args = parse_arguments()
    how = HowToTest(
        args.scheme,
        args.tta,
        args.per_level,
        args.out_dir,
        args.pictures,
        args.number,
        args.weights,
        args.arch,
        args.norm_statistics,
    )
    config = configure(args)
    recalibrate = Recalibrator(config, device=own_device()) if args.arch else None
    statistics = None
    if args.norm_statistics != 'running':
        statistics = NormStatistics(config, args.norm_statistics)
    metrics = test_detector(config, args.checkpoint, how, recalibrate, statistics)
    if args.per_level and is_main_process():
        print(level_table(metrics))


if __name__ == '__main__':
    main()
