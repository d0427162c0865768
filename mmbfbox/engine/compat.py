"""Every private name of mmengine, mmdet, torch and NumPy that the package uses, one function each.

Private names may change with any version. ``tests/engine/test_compat.py`` has a test for each function,
which names the version that it holds for and fails when a library has changed; another test counts the
private names elsewhere in the package, which are none. Where a library has a public way, we go that way.

This module imports nothing else of the package, so the floors above the engine and everything inside of
it may use it. ``models`` and ``datasets``, on which the hooks stand, must not: they use public names only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmengine.model import PretrainedInit, update_init_info
from mmengine.optim import OptimWrapper
from mmengine.runner import IterBasedTrainLoop, Runner
from numpy._core import multiarray as _multiarray
from torch import Tensor, _foreach_norm, nn
from torch.autograd import Variable
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm
from torch.utils.data import DataLoader

__all__ = [
    'BatchNorm',
    'accumulated_iterations',
    'array_builders',
    'built_loops',
    'call_after_backward',
    'choose_val_interval',
    'gradient_norms',
    'has_loaded',
    'is_resuming',
    'load_instead',
    'mixes_rank_into_seed',
    'note_initialization',
    'post_processes_as_mmdet',
    'process_sentinels',
    'stop_workers',
    'wanted_checkpoint',
]

# mmengine: the runner


def is_resuming(runner: Runner) -> bool:
    """Whether the runner was told to resume; the runner says so nowhere in public."""
    return bool(runner._resume)


def has_loaded(runner: Runner) -> bool:
    """Whether the runner has loaded its checkpoint already; it does so once."""
    return bool(runner._has_loaded)


def wanted_checkpoint(runner: Runner) -> str | None:
    """The file that the runner will load or resume from; None for the last one, or for none."""
    path: str | None = runner._load_from
    return path


def load_instead(runner: Runner, path: str | None) -> None:
    """Let the runner load or resume from ``path``; before it has loaded."""
    runner._load_from = path


def built_loops(runner: Runner) -> list[Any]:
    """The loops for training, validation and testing that have been built.

    The public properties build a loop that is not there yet.
    """
    loops = (runner._train_loop, runner._val_loop, runner._test_loop)
    return [loop for loop in loops if loop is not None and not isinstance(loop, dict)]


def mixes_rank_into_seed(runner: Runner) -> bool:
    """Whether ``randomness`` has ``diff_rank_seed``: each process adds its rank to the seed."""
    return bool(runner._randomness_cfg.get('diff_rank_seed'))


# mmengine: the loop, the optimizer wrapper, the initializer


def choose_val_interval(loop: IterBasedTrainLoop) -> None:
    """Set ``val_interval`` for the current iteration, as ``dynamic_intervals`` ask for it."""
    loop._decide_current_val_interval()


def accumulated_iterations(optim_wrapper: OptimWrapper | Any) -> int:
    """Iterations whose gradients add up to one update; 1 for wrappers that do not accumulate."""
    return int(getattr(optim_wrapper, '_accumulative_counts', 1))


def note_initialization(module: nn.Module, initializer: PretrainedInit) -> None:
    """Let the log of initial weights say that ``module`` got them from a file, if there is a log."""
    if hasattr(module, '_params_init_info'):
        update_init_info(module, init_info=initializer._get_init_info())


# mmdet


def post_processes_as_mmdet(head: BaseDenseHead) -> bool:
    """Whether a head turns its predictions into boxes by mmdet's own steps, none replaced."""
    kind = type(head)
    return (
        kind.predict_by_feat is BaseDenseHead.predict_by_feat
        and kind._predict_by_feat_single is BaseDenseHead._predict_by_feat_single
        and kind._bbox_post_process is BaseDenseHead._bbox_post_process
    )


# torch
#
# BatchNorm is torch's base class of all batch norms. What mmengine puts in the place of SyncBN on one
# device is no BatchNorm2d, so no public name covers all of them.


def gradient_norms(gradients: Sequence[Tensor]) -> Sequence[Tensor]:
    """The 2-norm of each gradient, a scalar each, without a launch of its own for each on a GPU."""
    norms: Sequence[Tensor] = _foreach_norm(list(gradients))
    return norms


def call_after_backward(function: Callable[[], None]) -> None:
    """Call ``function`` once when the backward pass that is running is over.

    To be called from a hook of autograd; torch's own data-parallel module ends its reduction so.
    """
    Variable._execution_engine.queue_callback(function)


def stop_workers(loader: DataLoader[Any], iterator: Any = None) -> None:
    """Stop a loader's workers at once; its next use starts new ones.

    Those that are left to the garbage collector take five seconds each, because it may take the queue
    away by which they are told to stop.

    Args:
        loader: the loader.
        iterator: what ``iter(loader)`` gave; by default the one that persistent workers belong to.
    """
    used = loader._iterator if iterator is None else iterator
    shut_down = getattr(used, '_shutdown_workers', None)
    if shut_down:
        shut_down()
    loader._iterator = None


def process_sentinels(iterator: Any) -> list[int]:
    """What can be waited for to see a loader's worker die; none without workers.

    Args:
        iterator: what ``iter(loader)`` gave.
    """
    return [worker.sentinel for worker in getattr(iterator, '_workers', [])]


# NumPy


def array_builders() -> list[tuple[Callable[..., Any], str]]:
    """What rebuilds arrays and scalars in a pickle, with the names that files have for it.

    NumPy 2 writes ``numpy._core``, NumPy 1 wrote ``numpy.core``.
    """
    builders = [
        (_multiarray._reconstruct, '_reconstruct'),
        (_multiarray.scalar, 'scalar'),
    ]
    return [
        (builder, f'numpy.{package}.multiarray.{name}')
        for builder, name in builders
        for package in ('_core', 'core')
    ]
