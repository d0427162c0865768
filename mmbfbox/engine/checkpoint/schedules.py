"""A schedule that was changed between a checkpoint and its resume.

mmengine takes schedules and the settings of the optimizer from the checkpoint, whatever the config says.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner

_MOVES = {'last_step', '_global_step', '_last_value', 'verbose', 'base_values'}
"""What a scheduler's state holds beside its settings."""
_OF_SCHEDULES = {'params', 'lr', 'initial_lr'}


class Difference(NamedTuple):
    """A setting that the checkpoint and the config have each its own value of."""

    name: str
    here: Any
    there: Any

    def __str__(self) -> str:
        return f'{self.name} is {self.here} here and {self.there} in the checkpoint'


@dataclass
class Scheduled:
    """An optimizer and its schedulers, with what a checkpoint says of them.

    Args:
        place: what goes before its keys: '' for a training's only optimizer.
        wrapper: the optimizer; it is built and has not stepped.
        state: the checkpoint's state of it.
        schedulers: the config's schedulers.
        states: the checkpoint's states of its schedulers.
    """

    place: str
    wrapper: OptimWrapper
    state: dict[str, Any]
    schedulers: list[Any]
    states: list[Any]


def scheduled(runner: Runner, checkpoint: Mapping[str, Any]) -> Iterator[Scheduled]:
    """Every optimizer of a runner that the checkpoint has a state of."""
    wrapper, state = runner.optim_wrapper, checkpoint.get('optimizer')
    ours, theirs = runner.param_schedulers or [], checkpoint.get('param_schedulers') or []
    if not isinstance(state, dict):
        return
    if isinstance(wrapper, OptimWrapperDict):
        for name, one in wrapper.items():
            if name in state:
                here = ours.get(name, []) if isinstance(ours, dict) else ours
                there = theirs.get(name, []) if isinstance(theirs, dict) else theirs
                yield Scheduled(f'{name}.', one, state[name], list(here), list(there))
    elif isinstance(wrapper, OptimWrapper):
        yield Scheduled('', wrapper, state, list(ours), list(theirs))


def differences(runner: Runner, checkpoint: Mapping[str, Any]) -> list[Difference]:
    """Settings of the schedule that the checkpoint has otherwise than the runner.

    Args:
        runner: its optimizers and schedulers are built and have not stepped.
        checkpoint: the one that it is going to resume from.
    """
    return [
        Difference(part.place + name, here, there)
        for part in scheduled(runner, checkpoint)
        for name, here, there in _of_part(part)
    ]


def _of_part(part: Scheduled) -> Iterator[Difference]:
    groups = part.state.get('param_groups', [])
    yield from _of_optimizer(part.wrapper.optimizer.param_groups, groups)
    if len(part.schedulers) != len(part.states):
        numbers = [f'{len(parts)} part(s)' for parts in (part.schedulers, part.states)]
        yield Difference('param_scheduler', *numbers)
        return
    for index, (scheduler, there) in enumerate(zip(part.schedulers, part.states, strict=True)):
        here = scheduler.state_dict()
        for key in sorted((set(here) | set(there)) - _MOVES):
            if here.get(key) != there.get(key):
                name = f'param_scheduler.{index}.{key}'
                yield Difference(name, here.get(key), there.get(key))


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
        runner: its optimizers and schedulers are built and have not stepped; they step to the position.
        checkpoint: changed in place; weights and momenta stay.
    """
    parts = list(scheduled(runner, checkpoint))
    for part in parts:
        _step_to(part.schedulers, checkpoint['meta'])
        fresh = part.wrapper.state_dict()
        for ours, theirs in zip(fresh['param_groups'], part.state['param_groups'], strict=True):
            theirs.update({key: value for key, value in ours.items() if key != 'params'})
        if 'base_param_settings' in fresh:
            part.state['base_param_settings'] = fresh['base_param_settings']
    states = {
        part.place.removesuffix('.'): [one.state_dict() for one in part.schedulers]
        for part in parts
    }
    checkpoint['param_schedulers'] = states.get('', states)


def _step_to(schedulers: list[Any], meta: Mapping[str, Any]) -> None:
    for by_epoch, steps in ((True, meta.get('epoch', 0)), (False, meta.get('iter', 0))):
        with warnings.catch_warnings():
            # The optimizer has stepped in another run.
            warnings.simplefilter('ignore')
            for _ in range(steps):
                for scheduler in schedulers:
                    if scheduler.by_epoch == by_epoch:
                        scheduler.step()
