"""A schedule that was changed between a checkpoint and its resume.

mmengine takes schedules and the settings of the optimizer from the checkpoint, whatever the config says.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mmengine.optim import OptimWrapper
from mmengine.runner import Runner

_MOVES = {'last_step', '_global_step', '_last_value', 'verbose', 'base_values'}
"""What a scheduler's state holds beside its settings."""
_OF_SCHEDULES = {'params', 'lr', 'initial_lr'}


class Difference(NamedTuple):
    """A setting that the checkpoint and the config have each its own value of."""

    name: str
    here: Any
    there: Any


def differences(runner: Runner, checkpoint: Mapping[str, Any]) -> list[Difference]:
    """Settings of the schedule that the checkpoint has otherwise than the runner.

    Args:
        runner: its optimizer and schedulers are built and have not stepped.
        checkpoint: the one that it is going to resume from.

    Returns:
        Nothing for several optimizers.
    """
    wrapper, state = runner.optim_wrapper, checkpoint.get('optimizer')
    if not isinstance(wrapper, OptimWrapper) or not isinstance(state, Mapping):
        return []
    found = list(_of_optimizer(wrapper.optimizer.param_groups, state.get('param_groups', [])))
    ours, theirs = runner.param_schedulers, checkpoint.get('param_schedulers')
    if not isinstance(ours, list) or not isinstance(theirs, list):
        return found
    if len(ours) != len(theirs):
        return [*found, Difference('param_scheduler', len(ours), len(theirs))]
    for index, (scheduler, there) in enumerate(zip(ours, theirs, strict=True)):
        here = scheduler.state_dict()
        for key in sorted((set(here) | set(there)) - _MOVES):
            if here.get(key) != there.get(key):
                name = f'param_scheduler.{index}.{key}'
                found.append(Difference(name, here.get(key), there.get(key)))
    return found


def _of_optimizer(ours: list[Any], theirs: list[Any]) -> Iterator[Difference]:
    """The first group of parameters that differs stands for all."""
    told = set()
    for here, there in zip(ours, theirs, strict=False):
        first = [group.get('initial_lr', group.get('lr')) for group in (here, there)]
        if first[0] != first[1] and 'lr' not in told:
            told.add('lr')
            yield Difference('optimizer.lr', *first)
        for key in sorted(set(here) & set(there) - _OF_SCHEDULES - told):
            if here[key] != there[key]:
                told.add(key)
                yield Difference(f'optimizer.{key}', here[key], there[key])


def follow_config(runner: Runner, checkpoint: dict[str, Any]) -> None:
    """Put the runner's schedule, at the checkpoint's position, in the place of the checkpoint's.

    Args:
        runner: its optimizer and schedulers are built and have not stepped; they step to the position.
        checkpoint: changed in place; weights and momenta stay.
    """
    wrapper, state = runner.optim_wrapper, checkpoint.get('optimizer')
    schedulers = runner.param_schedulers or []
    if not isinstance(wrapper, OptimWrapper) or state is None or not isinstance(schedulers, list):
        return
    meta = checkpoint['meta']
    for by_epoch, steps in ((True, meta.get('epoch', 0)), (False, meta.get('iter', 0))):
        with warnings.catch_warnings():
            # The optimizer has stepped in another run.
            warnings.simplefilter('ignore')
            for _ in range(steps):
                for scheduler in schedulers:
                    if scheduler.by_epoch == by_epoch:
                        scheduler.step()
    fresh = wrapper.state_dict()
    for ours, theirs in zip(fresh['param_groups'], state['param_groups'], strict=True):
        theirs.update({key: value for key, value in ours.items() if key != 'params'})
    if 'base_param_settings' in fresh:
        state['base_param_settings'] = fresh['base_param_settings']
    checkpoint['param_schedulers'] = [scheduler.state_dict() for scheduler in schedulers]
