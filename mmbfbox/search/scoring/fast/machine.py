"""How much of the machine a process of the search may use."""

from __future__ import annotations

import os

import torch

from mmbfbox.errors import UserError
from mmbfbox.utils.control_groups import memory_left

GIB = 2**30
SHARE = 0.4
"""Share of the free memory that is used unless a config says otherwise."""

MOST_THREADS = 8


def default_memory(device: str | torch.device) -> float:
    """GiB that this process may use: a share of what is free now, divided among local processes."""
    if torch.device(device).type == 'cuda':
        # A GPU belongs to one process of the search.
        return SHARE * torch.cuda.mem_get_info(device)[0] / GIB
    free = os.sysconf('SC_AVPHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')
    # A container may have less than the machine.
    return SHARE * min(free, memory_left()) / GIB / _local_processes()


def threads_beside(device_type: str) -> int:
    """Threads beside the one that feeds the device. Where that is the CPU, its cores have enough to do."""
    if device_type == 'cpu':
        return 1
    cores = len(os.sched_getaffinity(0)) // _local_processes()
    return max(1, min(MOST_THREADS, cores - 1))


def _local_processes() -> int:
    """The processes on this machine, as tools/dist_search.sh counts them."""
    return int(os.environ.get('LOCAL_WORLD_SIZE', 1))


def to_bytes(key: str, gib: float | None, default: float) -> float:
    """Bytes of a config key in GiB; None takes the default.

    Raises:
        UserError: it is negative or no number.
    """
    if gib is None:
        return default * GIB
    if isinstance(gib, bool) or not isinstance(gib, int | float) or not gib >= 0:
        raise UserError(f'search.scorer.{key} is {gib!r}; give GiB, 0 or more')
    return gib * GIB
