"""Evaluate a detector."""

from __future__ import annotations

import json
from pathlib import Path

from mmengine.runner import Runner

from mmbfbox.errors import exit_on_user_error
from mmbfbox.utils.cli import add_config_arguments, add_launcher_argument, make_parser, read_config
from mmbfbox.utils.files import atomic_write


@exit_on_user_error
def main() -> None:
    """Test."""
    parser = make_parser(
        'Run a detector over the test images of its config, report the metric and write metrics.json.',
        'python tools/test.py work_dirs/best/config.py work_dirs/final/iter_80000.pth '
        '--out-dir work_dirs/predictions --pictures work_dirs/pictures',
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
        help='write the official per-image txt files of WIDER FACE here',
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

    config = read_config(args)
    config.load_from = args.checkpoint
    if args.out_dir:
        config.test_evaluator.out_dir = args.out_dir
    if args.pictures:
        hook = dict(type='DetectionPicturesHook', out_dir=args.pictures, number=args.number)
        config.custom_hooks = [*config.get('custom_hooks', []), hook]
    metrics = Runner.from_cfg(config).test()
    with atomic_write(Path(config.work_dir) / 'metrics.json') as path:
        path.write_text(json.dumps(metrics, indent=2) + '\n')


if __name__ == '__main__':
    main()
