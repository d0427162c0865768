"""Train a detector or a supernet."""

from __future__ import annotations

import mmbfbox  # noqa: F401, first: mmengine needs a home

# isort: split
from pathlib import Path

import torch
from mmengine import Config
from mmengine.dist import is_distributed, is_main_process
from mmengine.registry import RUNNERS
from mmengine.runner import Runner, find_latest_checkpoint

from mmbfbox.artifacts.supernet_check import CHECK_FILE
from mmbfbox.command_line import (
    add_config_arguments,
    add_launcher_argument,
    make_parser,
    read_config,
)
from mmbfbox.engine import load_checkpoint_file
from mmbfbox.engine.checkpoint.resume import set_resume
from mmbfbox.engine.cpu_threads import leave_cores_to_loaders
from mmbfbox.engine.mixed_precision import PRECISIONS, use_mixed_precision
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.pipeline.run_report import write_training_report
from mmbfbox.search.scoring.checkup import check_supernet, check_table


@exit_on_user_error
def main() -> None:
    """Train."""
    parser = make_parser(
        'Train what a config describes: a supernet, an exported architecture or a baseline.',
        'python tools/train.py configs/paper/bfbox_supernet_wider_face.py '
        '--work-dir work_dirs/supernet --amp',
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
        help='continue from the newest checkpoint of the work dir, or from this one; where there is none '
        'yet, start anew, from the weights of load_from if the config has it',
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
        set_resume(config, args.resume)
    shared = leave_cores_to_loaders(config)
    runner = RUNNERS.build(config) if 'runner_type' in config else Runner.from_cfg(config)
    if shared:
        runner.logger.info(shared)
    runner.train()
    if is_main_process():
        report(runner)
    if config.get('supernet_check'):
        check(config, runner)


def report(runner: Runner) -> None:
    """Write the page of the training; what goes wrong there is no fault of the training."""
    try:
        runner.logger.info(f'wrote {write_training_report(runner.work_dir)}')
    except UserError as error:
        runner.logger.info(f'no page of this training: {error}')


def check(config: Config, runner: Runner) -> None:
    """Score a few subnets of the supernet that was trained."""
    main_process, device = is_main_process(), str(next(runner.model.parameters()).device)
    if is_distributed():
        # The scorer runs on one process and must not wait for the others.
        torch.distributed.destroy_process_group()
    checkpoint = find_latest_checkpoint(runner.work_dir)
    if not main_process or checkpoint is None:
        return
    try:
        content = load_checkpoint_file(checkpoint)
        found = check_supernet(config, content['state_dict'], device, content['meta'])
    except UserError as error:
        runner.logger.warning(f'the supernet was not scored: {error}')
        return
    found.write(Path(runner.work_dir) / CHECK_FILE)
    table = check_table(found)
    runner.logger.info(f'AP (%) of a few subnets on the held-out images:\n{table}')


if __name__ == '__main__':
    main()
