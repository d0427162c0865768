"""The training loop, of which any iteration can be the first."""

from __future__ import annotations

import logging
import multiprocessing.connection
import signal
import threading
from collections.abc import Iterator
from typing import Any

from mmdet.registry import LOOPS
from mmengine.logging import print_log
from mmengine.runner import IterBasedTrainLoop, Runner
from torch import nn
from torch.utils.data import BatchSampler, DataLoader

from mmbfbox.datasets.randomness import seed_globals
from mmbfbox.datasets.sampler import ResumableSampler
from mmbfbox.engine.checkpoint.safe_loading import use_safe_loading
from mmbfbox.engine.compat import (
    choose_val_interval,
    mixes_rank_into_seed,
    process_sentinels,
    stop_workers,
)
from mmbfbox.errors import UserError

_RESTARTS = 3
_SECONDS_TO_DIE = 5.0


@LOOPS.register_module()
class ResumableTrainLoop(IterBasedTrainLoop):
    """Training by iterations that goes on from a checkpoint as if it had never stopped.

    mmengine's loop loads all batches that were trained already before it resumes. Here the sampler
    starts at the right place, and the global generators are seeded by (seed, iteration) before each
    iteration, so nothing but the checkpoint is needed. A validation that was due when the run was
    killed is made up for. Dead loader workers are replaced; the batches stay the same. A run with this
    loop loads files by :func:`~mmbfbox.engine.use_safe_loading`.

    Args:
        runner: the runner.
        dataloader: a data loader or its config; the sampler must be a ``ResumableSampler``.
        *args: as in mmengine's ``IterBasedTrainLoop``.
        **kwargs: as in mmengine's ``IterBasedTrainLoop``.

    Raises:
        UserError: another sampler, or a batch sampler of its own.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: DataLoader[Any] | dict[str, Any],
        *args: Any,
        **kwargs: Any,
    ) -> None:
        use_safe_loading()
        loader: DataLoader[Any] = (
            runner.build_dataloader(dataloader, seed=runner.seed)
            if isinstance(dataloader, dict)
            else dataloader
        )
        batches = loader.batch_sampler
        if type(batches) is not BatchSampler or not isinstance(batches.sampler, ResumableSampler):
            raise UserError(
                f'ResumableTrainLoop cannot tell which images {_name(batches)} gives at an '
                "iteration; set train_dataloader.sampler to dict(type='ResumableSampler') without "
                'a batch_sampler, or train_cfg.type to IterBasedTrainLoop, which resumes slowly'
            )
        self._sampler = batches.sampler
        self._batch_size = batches.batch_size
        super().__init__(runner, _Unopened(loader), *args, **kwargs)
        self.dataloader: DataLoader[Any] = loader

    def run(self) -> nn.Module:
        """Train from the current iteration to the last, and return the model."""
        self.runner.call_hook('before_train')
        # For the hooks the whole run is one epoch.
        self.runner.call_hook('before_train_epoch')
        if self.iter > 0:
            self._validate_when_due()
        self._open_dataloader()
        while self.iter < self.max_iters and not self.stop_training:
            self.runner.model.train()
            batch = self._next_batch()
            seed_globals(self.runner.seed, self.iter)
            self.run_iter(batch)
            choose_val_interval(self)
            self._validate_when_due()
        self._close_dataloader()
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model

    def _validate_when_due(self) -> None:
        due = self.iter % self.val_interval == 0 or self.iter == self.max_iters
        done = self.runner.message_hub.get_info('validated_iter') == self.iter
        if self.runner.val_loop is None or self.iter < self.val_begin or not due or done:
            return
        # Noted first: the best checkpoint is saved at the end of the validation.
        self.runner.message_hub.update_info('validated_iter', self.iter)
        self.runner.val_loop.run()

    def _open_dataloader(self) -> None:
        """Start the workers at the current iteration."""
        seed = self.runner.seed
        if mixes_rank_into_seed(self.runner):
            seed -= self.runner.rank  # the order of the images is common to all ranks
        self._sampler.start_at(self.iter * self._batch_size, seed)
        self._close_dataloader()
        self.dataloader_iterator = iter(self.dataloader)
        if self.dataloader.num_workers and threading.current_thread() is threading.main_thread():
            # torch's handler reports a dead worker anywhere, even in the middle of a step; without
            # it, the death is noticed where the next batch is waited for.
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    def _close_dataloader(self) -> None:
        """Stop the workers; those left to the garbage collector take five seconds each."""
        # Persistent ones, too: they would go on where they were.
        stop_workers(self.dataloader, self.dataloader_iterator)

    def _next_batch(self) -> dict[str, Any]:
        restarts = 0
        while True:
            try:
                return next(self.dataloader_iterator)
            except (RuntimeError, OSError, EOFError) as error:
                restarts += 1
                if not self._worker_died(error) or restarts > _RESTARTS:
                    raise
                said = (str(error) or type(error).__name__).splitlines()[0]
                print_log(
                    f'a loader worker died ({said}); starting new ones at iteration {self.iter}',
                    logger='current',
                    level=logging.WARNING,
                )
                self._open_dataloader()

    def _worker_died(self, error: Exception) -> bool:
        """Whether an error means that a worker is gone, not that it could not make a batch.

        torch says so if it notices the death first. A batch that the worker had announced ends in a
        connection that breaks instead, because its memory is handed over by the worker itself. A
        connection breaks a moment before its process counts as dead.
        """
        if isinstance(error, RuntimeError):
            return 'DataLoader worker' in str(error)
        ends = process_sentinels(self.dataloader_iterator)
        return bool(ends and multiprocessing.connection.wait(ends, timeout=_SECONDS_TO_DIE))


class _Unopened:
    """Stands in for a data loader whose workers must not start before the checkpoint is loaded."""

    def __init__(self, dataloader: DataLoader[Any]) -> None:
        self.dataset = dataloader.dataset

    def __iter__(self) -> Iterator[Any]:
        return iter(())


def _name(batches: Any) -> str:
    inner = getattr(batches, 'sampler', None)
    names = [type(part).__name__ for part in (batches, inner) if part is not None]
    return ' of '.join(names)
