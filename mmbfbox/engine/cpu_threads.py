"""Threads of a training on the CPU."""

from __future__ import annotations

import torch
from mmengine import Config
from mmengine.device import get_device

from mmbfbox.utils.threads import threads_beside


def training_threads(config: Config) -> int:
    """With how many threads a training by this config computes on this machine's CPU."""
    # What is no loader, or no number, is refused where loaders are built.
    loader, threads = config.get('train_dataloader'), torch.get_num_threads()
    workers = loader.get('num_workers', 0) if isinstance(loader, dict) else 0
    return threads_beside(workers, threads) if isinstance(workers, int) else threads


def leave_cores_to_loaders(config: Config) -> str | None:
    """Compute with fewer threads from now on, where loaders need the cores.

    Args:
        config: of a training.

    Returns:
        What was done, for the log; None where nothing was, as on a GPU.
    """
    before = torch.get_num_threads()
    if get_device() != 'cpu' or (threads := training_threads(config)) >= before:
        return None
    torch.set_num_threads(threads)
    return (
        f'computing with {threads} thread{"s" * (threads > 1)} in place of {before}: '
        f'{config.train_dataloader.num_workers} loader workers need cores as well; '
        'set OMP_NUM_THREADS for another number'
    )
