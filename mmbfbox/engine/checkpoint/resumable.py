"""Whether a training can go on from a checkpoint, or begin with its weights, before a step is taken.

mmengine loads what fits and leaves the rest as it was initialised, and takes the states of optimizers and
schedulers of any type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from mmengine.hooks import EMAHook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from mmbfbox.engine.checkpoint.schedules import Scheduled, scheduled
from mmbfbox.engine.checkpoint.weights import check_weights
from mmbfbox.errors import UserError

_NEEDED = ('state_dict', 'optimizer', 'message_hub')
_OF_VERSIONS = {
    *('foreach', 'fused', 'maximize', 'capturable', 'differentiable', 'decoupled_weight_decay'),
    *('params', 'initial_lr'),
}
"""Settings of a group of parameters that come and go with torch's version, or with a scheduler."""


def use_trained_weights(runner: Runner, checkpoint: dict[str, Any]) -> bool:
    """Of a checkpoint with averaged and trained weights, resume the trained ones if nobody averages.

    Returns:
        Whether ``checkpoint`` was changed: the average is left out.
    """
    average = any(isinstance(hook, EMAHook) for hook in runner.hooks)
    if average or 'ema_state_dict' not in checkpoint:
        return False
    raw = checkpoint.pop('ema_state_dict')
    checkpoint['state_dict'] = {
        name.removeprefix('module.'): value for name, value in raw.items() if name != 'steps'
    }
    return True


def check_resumable(
    runner: Runner, checkpoint: Mapping[str, Any], source: str, own_schedule: bool
) -> None:
    """Check that a checkpoint is that of a training like the runner's.

    Args:
        runner: its optimizers and schedulers are built and have not stepped.
        checkpoint: what the file holds.
        source: the file's name.
        own_schedule: whether the config's schedule takes the place of the checkpoint's.

    Raises:
        UserError: it holds weights alone, or weights, optimizer or schedulers of another training.
    """
    meta = checkpoint.get('meta', {})
    if not all(key in checkpoint for key in _NEEDED) or not {'epoch', 'iter'} <= set(meta):
        raise UserError(
            f'{source} holds weights without the state of a training, so it cannot be resumed; start '
            f'from its weights with load_from={source}, without --resume'
        )
    check_weights(_plain(runner.model), _names(checkpoint), source)
    for part in scheduled(runner, checkpoint):
        _check_optimizer(part, source)
        if not own_schedule:
            _check_schedulers(part, source)


def check_start(runner: Runner, checkpoint: Mapping[str, Any], source: str) -> None:
    """Check that at least one tensor of a file to start from fits the runner's model.

    Raises:
        UserError: none does.
    """
    own, state = _plain(runner.model).state_dict(), _names(checkpoint)
    fitting = [n for n, value in state.items() if n in own and own[n].shape == value.shape]
    if not fitting:
        raise UserError(
            f'none of the {len(state)} weights of load_from={source} fits this config, so the training '
            f'would start from nothing; give a checkpoint of such a network, or leave load_from out'
        )


def _plain(model: nn.Module) -> nn.Module:
    return cast(nn.Module, model.module) if is_model_wrapper(model) else model


def _names(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights by the names that mmengine gives them."""
    state = checkpoint.get('state_dict', checkpoint)
    return {
        str(name).removeprefix('module.'): value
        for name, value in state.items()
        if isinstance(value, Tensor)
    }


def _check_optimizer(part: Scheduled, source: str) -> None:
    ours, theirs = part.wrapper.optimizer.param_groups, part.state.get('param_groups', [])
    here, there = len(ours), len(theirs)
    if here != there:
        raise UserError(
            f'{source} has {_groups(there)}, and this config makes {here}; resume with the '
            f'{part.place}optim_wrapper that it was trained with'
        )
    if any(len(a['params']) != len(b['params']) for a, b in zip(ours, theirs, strict=True)):
        raise UserError(
            f'{source} was trained with other parameters in the groups of its optimizer than this '
            f'config has; resume with the {part.place}optim_wrapper that it was trained with'
        )
    if ours:
        own, other = (set(groups[0]) - _OF_VERSIONS for groups in (ours, theirs))
        # What only one of them has, a version of torch may have brought.
        if own - other and other - own:
            raise UserError(
                f'{source} was trained with another optimizer: it has {_list(other - own)} where this '
                f"config's {type(part.wrapper.optimizer).__name__} has {_list(own - other)}; resume "
                f'with its own, or start from its weights with load_from={source}'
            )


def _check_schedulers(part: Scheduled, source: str) -> None:
    own = [set(scheduler.state_dict()) for scheduler in part.schedulers]
    other = [set(state) for state in part.states]
    alike = len(own) == len(other) and not any(
        a - b and b - a for a, b in zip(own, other, strict=True)
    )
    if not alike:
        names = ', '.join(type(one).__name__ for one in part.schedulers) or 'none'
        raise UserError(
            f'{source} was trained with other schedulers than this config has ({names}); resume with '
            f"its own, or set default_hooks.checkpoint.schedule='config' to follow the "
            f'config from here on'
        )


def _groups(number: int) -> str:
    return f'{number} group{"" if number == 1 else "s"} of parameters'


def _list(names: set[str]) -> str:
    return ', '.join(sorted(names))
