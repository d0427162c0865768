"""What the command lines have in common."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from mmengine import Config

from mmbfbox.engine.checkpoint.safe_loading import use_safe_loading
from mmbfbox.errors import UserError
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import set_data_root
from mmbfbox.utils.files import make_writable_dir
from mmbfbox.utils.loaders import dependent_loader_options
from mmbfbox.utils.options import OptionsAction
from mmbfbox.utils.parent import end_with_parent


def make_parser(what: str, example: str) -> argparse.ArgumentParser:
    """A parser whose help shows ``what`` the tool does and one ``example``.

    Every tool that loads files begins here, so from here on nothing in a checkpoint is run.
    """
    use_safe_loading()
    end_with_parent()
    return argparse.ArgumentParser(
        description=what,
        epilog=f'example:\n  {example}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """``--data-root``, ``--face-category`` and ``--cfg-options``."""
    parser.add_argument(
        '--data-root',
        metavar='DIR',
        help='data folder to use in place of the data_root of the config: WIDER FACE, or your own images '
        'with annotations in COCO JSON or in text files (docs/own_data.md)',
    )
    parser.add_argument(
        '--face-category',
        metavar='NAME',
        help='with --data-root and COCO annotations of several categories: which one is the face',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=OptionsAction,
        metavar='KEY=VALUE',
        help='override settings of the config, like optim_wrapper.optimizer.lr=0.01 or key="[1,2]"',
    )


def add_launcher_argument(parser: argparse.ArgumentParser) -> None:
    """``--launcher``, as mmdet's dist scripts pass it."""
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='who starts the processes of a distributed run; dist_train.sh passes pytorch',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def read_config(args: argparse.Namespace) -> Config:
    """The config that the arguments ask for, with its work dir ready to be written to.

    The work dir is ``--work-dir``, else the config's own, else ``work_dirs/<name of the config>``.

    Raises:
        UserError: the config, the data folder or the work dir is not usable, or the config has no
            model.
    """
    os.environ.setdefault('LOCAL_RANK', str(getattr(args, 'local_rank', 0)))
    config = load_config(args.config, args.cfg_options)
    if 'model' not in config:
        raise UserError(
            f'the config {args.config} has no model: it says how an exported architecture is trained; '
            'give the config.py that the search or tools/export_subnet.py has written for one'
        )
    if not isinstance(config.model, Mapping) or 'type' not in config.model:
        raise UserError(
            f'model is {config.model!r} in the config {args.config}, expected a dict with a type'
        )
    if args.data_root is not None:
        set_data_root(config, args.data_root, args.face_category)
    dependent_loader_options(config)
    config.launcher = getattr(args, 'launcher', 'none')
    if config.launcher == 'pytorch' and not torch.cuda.is_available():
        _distribute_on_cpu(config)
    if getattr(args, 'work_dir', None):
        config.work_dir = args.work_dir
    elif config.get('work_dir') is None:
        config.work_dir = f'work_dirs/{Path(args.config).stem}'
    make_writable_dir(config.work_dir)
    return config


def _distribute_on_cpu(config: Config) -> None:
    """Join the process group over gloo, and wrap the model without device numbers.

    mmengine's own start and its default wrapper set a CUDA device, also for gloo.
    """
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group('gloo')
    wrapper = dict(type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False)
    wrapper['find_unused_parameters'] = config.get('find_unused_parameters', False)
    config.setdefault('model_wrapper_cfg', wrapper)
