"""A loss that is no number any more: what caused it, and what happens then."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from mmdet.registry import HOOKS
from mmengine.dist import get_rank
from mmengine.hooks import CheckpointHook, Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn
from torch import distributed as dist

from mmbfbox.engine.compat import BatchNorm, gradient_norms
from mmbfbox.errors import UserError
from mmbfbox.models import active_arch, space_of
from mmbfbox.space import Arch
from mmbfbox.utils.files import atomic_write

ACTIONS = ('stop', 'skip')
_NEVER = 2**62


@dataclass
class _Step:
    """What one iteration did; the losses stay on their device until somebody asks."""

    iteration: int
    images: list[str]
    arch: Arch | None
    losses: dict[str, Tensor]


@HOOKS.register_module()
class LossGuardHook(Hook):
    """Stop, or skip the update, when a loss is NaN or infinite, and say what it came from.

    ``'stop'``: the losses of the last iterations are looked at together, every ``interval`` iterations
    and before each checkpoint, because each look waits for the GPU. All ranks stop at the same iteration,
    before the broken weights are saved. ``'skip'``: the gradients are looked at before each update, after
    they have been averaged over the ranks, and dropped if one is not finite; neither weights nor momentum
    move. That waits for the GPU once in each step, and the ranks tell each other whether it was a bad one,
    so that all of them stop together. A loss that is not finite though all gradients are is reported and
    counted, and the update is made. Batch-norm statistics that the bad step broke start anew.

    Either way, ``bad_steps/iter_<n>_rank_<r>.pth`` in the work dir holds the iteration, the names of the
    images, the arch as JSON and all losses; :func:`~mmbfbox.engine.load_checkpoint_file` reads it.

    Args:
        action: ``'stop'`` or ``'skip'``. Defaults to ``'stop'``.
        interval: iterations between two looks of ``'stop'``. Defaults to 20.
        patience: ``'skip'`` stops after this many bad iterations in a row. Defaults to 10.

    Raises:
        UserError: a key is out of range.
    """

    def __init__(self, action: str = 'stop', interval: int = 20, patience: int = 10) -> None:
        if action not in ACTIONS or interval < 1 or patience < 1:
            raise UserError(
                f'LossGuardHook has action {action!r}, interval {interval} and patience {patience}; '
                f'expected one of {", ".join(ACTIONS)} and numbers from 1'
            )
        self.action = action
        self.interval = interval
        self.patience = patience
        self._recent: list[_Step] = []
        self._dropped = False
        self._bad_in_a_row = 0

    def before_train(self, runner: Runner) -> None:
        """Watch the optimizer, if updates may be skipped."""
        if self.action == 'skip':
            runner.optim_wrapper.optimizer.register_step_pre_hook(self._before_update)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict[str, Tensor] | None = None,
    ) -> None:
        """Note this iteration, and look at it or at the last ones."""
        samples = (data_batch or {}).get('data_samples', [])
        images = [str(sample.metainfo.get('img_path', '')) for sample in samples]
        losses = {name: value.detach() for name, value in (outputs or {}).items()}
        step = _Step(runner.iter, images, active_arch(_unwrap(runner.model)), losses)
        if self.action == 'skip':
            self._warn(runner, step)
            return
        self._recent.append(step)
        if len(self._recent) >= self.interval or is_saved_after(runner):
            recent, self._recent = self._recent, []
            self._stop_if_bad(runner, recent)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Look before a checkpoint that nobody announced, too; only rank 0 comes here."""
        bad = [step for step in self._recent if not _finite(step.losses)]
        if bad:
            path = self._write(runner, bad[0])
            raise UserError(self._sentence(bad[0], path))

    def _stop_if_bad(self, runner: Runner, steps: list[_Step]) -> None:
        """Raise on all ranks, if a loss of any rank was not finite in one of these steps."""
        table = torch.stack([torch.stack(list(step.losses.values())).sum() for step in steps])
        bad = (~table.isfinite()).tolist()
        own = next((step for step, is_bad in zip(steps, bad, strict=True) if is_bad), None)
        first = _first_over_ranks(own.iteration if own else _NEVER, table.device)
        if first[0] == _NEVER:
            return
        if own is not None and own.iteration == first[0]:
            raise UserError(self._sentence(own, self._write(runner, own)))
        raise UserError(_of_another_rank(*first))

    def _before_update(self, optimizer: torch.optim.Optimizer, *args: Any) -> None:
        """Drop the gradients of an update if one of them is not finite; called by the optimizer."""
        with_gradient = [
            parameter
            for group in optimizer.param_groups
            for parameter in group['params']
            if parameter.grad is not None
        ]
        if not with_gradient:
            return
        norms = gradient_norms([parameter.grad for parameter in with_gradient])
        self._dropped = not bool(torch.stack(list(norms)).isfinite().all())
        if self._dropped:
            for parameter in with_gradient:
                parameter.grad = None

    def _warn(self, runner: Runner, step: _Step) -> None:
        """Report a skipped update or a bad loss; stop, on all ranks, if it does not end."""
        dropped, self._dropped = self._dropped, False
        bad = dropped or not _finite(step.losses)
        device = next(runner.model.parameters()).device
        first = _first_over_ranks(step.iteration if bad else _NEVER, device)
        if first[0] == _NEVER:
            self._bad_in_a_row = 0
            return
        self._bad_in_a_row += 1
        sentence = _of_another_rank(*first)
        if bad:
            _restart_broken_norms(runner.model)
            sentence = self._sentence(step, self._write(runner, step))
        if self._bad_in_a_row >= self.patience:
            raise UserError(f'{self._bad_in_a_row} iterations in a row were bad: {sentence}')
        if bad:
            done = 'skipped' if dropped else 'made, because all gradients are finite'
            runner.logger.warning(f'update {done}: {sentence}')

    def _write(self, runner: Runner, step: _Step) -> Path:
        """Write the debug file of a step."""
        arch = step.arch
        content = dict(
            iteration=step.iteration,
            rank=get_rank(),
            images=step.images,
            arch=arch and space_of(_unwrap(runner.model)).to_json(arch),
            losses={name: float(value) for name, value in step.losses.items()},
        )
        folder = Path(runner.work_dir) / 'bad_steps'
        with atomic_write(folder / f'iter_{step.iteration}_rank_{get_rank()}.pth') as path:
            torch.save(content, path)
        return folder / f'iter_{step.iteration}_rank_{get_rank()}.pth'

    def _sentence(self, step: _Step, path: Path) -> str:
        losses = ', '.join(f'{name} {float(value):.4g}' for name, value in step.losses.items())
        state = 'the gradient' if _finite(step.losses) else 'the loss'
        arch = '; '.join(str(step.arch).splitlines())
        return (
            f'{state} is not finite at iteration {step.iteration} ({losses}) with the images '
            f'{", ".join(step.images)} on the path {arch}; look at {path}, then lower the learning '
            f'rate, set optim_wrapper.clip_grad, or skip such updates by the action of LossGuardHook'
        )


def is_saved_after(runner: Runner) -> bool:
    """Whether a checkpoint follows the runner's current iteration, or training ends with it."""
    return any(
        not hook.by_epoch and hook.every_n_train_iters(runner, hook.interval, hook.save_begin)
        for hook in runner.hooks
        if isinstance(hook, CheckpointHook)
    ) or Hook().is_last_train_iter(runner)


def _finite(losses: dict[str, Tensor]) -> bool:
    return all(math.isfinite(float(value)) for value in losses.values())


def _first_over_ranks(iteration: int, device: torch.device) -> tuple[int, int]:
    """The lowest ``iteration`` of all ranks, and whose it is."""
    if not (dist.is_initialized() and dist.get_world_size() > 1):
        return iteration, 0
    own = torch.tensor(iteration, device=device)
    numbers = [torch.zeros_like(own) for _ in range(dist.get_world_size())]
    dist.all_gather(numbers, own)
    everyone = torch.stack(numbers).tolist()
    return min(everyone), everyone.index(min(everyone))


def _of_another_rank(iteration: int, rank: int) -> str:
    return f'a loss of rank {rank} is not finite at iteration {iteration}; that rank says which images it had'


def _restart_broken_norms(model: nn.Module) -> None:
    """A NaN in a running mean would stay for ever."""
    for module in model.modules():
        if not isinstance(module, BatchNorm):
            continue
        mean, variance = module.running_mean, module.running_var
        if mean is None or variance is None:
            continue
        if not bool(torch.stack([mean, variance]).isfinite().all()):
            module.reset_running_stats()


def _unwrap(model: nn.Module) -> nn.Module:
    return cast(nn.Module, model.module) if is_model_wrapper(model) else model
