"""Evaluate a detector."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from mmengine import Config
from mmengine.dist import is_main_process
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.evaluation.provenance import FILE
from mmbfbox.inference.report import level_table
from mmbfbox.inference.settings import (
    BENCHMARKS,
    describe,
    use_benchmark,
    use_levels,
    use_scheme,
    use_views,
)
from mmbfbox.inference.views import PRESETS
from mmbfbox.utils.cli import add_config_arguments, add_launcher_argument, make_parser, read_config
from mmbfbox.utils.files import atomic_write
from mmbfbox.utils.loaders import dependent_loader_options


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
        '--pictures', metavar='DIR', help='draw the detections on a few images and write them here'
    )
    parser.add_argument(
        '--number', type=int, default=9, metavar='N', help='how many pictures; 9 by default'
    )
    add_config_arguments(parser)
    add_launcher_argument(parser)
    args = parser.parse_args()
    given = [f'--{name}' for name in ('scheme', 'tta') if getattr(args, name)]
    given += ['--per-level'] * (args.per_level and bool(args.tta))
    if len(given) > 1:
        raise UserError(f'{" and ".join(given)} exclude each other; give only one of them')
    return args


def configure(args: argparse.Namespace) -> Config:
    """The config with everything that the arguments change about the test."""
    data_root = args.data_root
    if args.benchmark:
        args.data_root = None
    config = read_config(args)
    if args.benchmark:
        use_benchmark(config, args.benchmark, data_root)
        # What the command line says about the test holds for the benchmark, too.
        options = args.cfg_options or {}
        config.merge_from_dict({k: v for k, v in options.items() if k.startswith('test_')})
        dependent_loader_options(config)
    config.load_from = args.checkpoint
    if args.out_dir:
        config.test_evaluator.out_dir = args.out_dir
    scheme = args.scheme or config.get('test_scheme')
    if args.tta:
        use_views(config, None if args.tta == 'config' else args.tta)
    elif scheme:
        use_scheme(config, scheme)
    if args.per_level:
        use_levels(config)
    if args.pictures:
        hook = dict(type='DetectionPicturesHook', out_dir=args.pictures, number=args.number)
        config.custom_hooks = [*config.get('custom_hooks', []), hook]
    return config


@exit_on_user_error
def main() -> None:
    """Test."""
    args = parse_arguments()
    config = configure(args)
    settings = describe(config)
    metrics = Runner.from_cfg(config).test()
    print_log(f'tested with {settings}', logger='current')
    if not is_main_process():
        return
    if args.per_level:
        print(level_table(metrics))
    files = [Path(config.work_dir) / 'metrics.json']
    files += [Path(args.out_dir) / FILE] if args.out_dir else []
    for path in files:
        with atomic_write(path) as temporary:
            temporary.write_text(json.dumps({**metrics, 'settings': settings}, indent=2) + '\n')


if __name__ == '__main__':
    main()
