"""Train a detector or a supernet."""

from __future__ import annotations

from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from mmbfbox.engine.mixed_precision import PRECISIONS, use_mixed_precision
from mmbfbox.errors import exit_on_user_error
from mmbfbox.utils.cli import add_config_arguments, add_launcher_argument, make_parser, read_config


@exit_on_user_error
def main() -> None:
    """Train."""
    parser = make_parser(
        'Train what a config describes: a supernet, an exported architecture or a baseline.',
        'python tools/train.py configs/paper/supernet.py --work-dir work_dirs/supernet --amp',
    )
    parser.add_argument('config', help='config file, or the name of one that the package ships')
    parser.add_argument(
        '--work-dir',
        metavar='DIR',
        help='where logs and checkpoints go; work_dirs/<config> by default',
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='continue from the newest checkpoint of the work dir, or from this one',
    )
    parser.add_argument(
        '--amp',
        nargs='?',
        const='bf16',
        choices=PRECISIONS,
        help='compute in mixed precision: bf16 (the default of --amp) or, on a GPU, fp16',
    )
    add_config_arguments(parser)
    add_launcher_argument(parser)
    args = parser.parse_args()

    config = read_config(args)
    if args.amp:
        use_mixed_precision(config, args.amp)
    if args.resume:
        config.resume = True
        config.load_from = None if args.resume == 'auto' else args.resume
    runner = RUNNERS.build(config) if 'runner_type' in config else Runner.from_cfg(config)
    runner.train()


if __name__ == '__main__':
    main()
