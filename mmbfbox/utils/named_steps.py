"""Changing the steps of a pipeline or the parts of a schedule by their names, for configs.

A config imports these after its ``_base_``; one that imports something first is read by mmengine's other,
lazy reader. A wrong name ends in one sentence:

>>> pipeline = [dict(type='Resize', scale=(640, 640)), dict(type='PackDetInputs')]
>>> change_steps(pipeline, Resize=dict(scale=(192, 192)))
[{'type': 'Resize', 'scale': (192, 192)}, {'type': 'PackDetInputs'}]
>>> insert_after(pipeline, 'Resize', dict(type='Pad'))[1]
{'type': 'Pad'}
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from mmbfbox.errors import UserError

Steps = Sequence[dict[str, Any]]


def change_steps(steps: Steps, **changes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A copy of ``steps`` in which some have other settings.

    Args:
        steps: each with a ``type``; those inside another one's ``transforms`` are found as well.
        **changes: type of a step to the settings that replace its own of the same name.

    Raises:
        UserError: no step has this type, or several have.
    """
    changed = copy.deepcopy(list(steps))
    for name, settings in changes.items():
        inside, index = _find(changed, name)
        inside[index].update(settings)
    return changed


def change_pipelines(
    datasets: Sequence[Mapping[str, Any]], **changes: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Copies of data sets, for ``ConcatDataset``, whose pipelines have steps with other settings.

    Args:
        datasets: each with a ``pipeline``.
        **changes: as those of :func:`change_steps`.

    Raises:
        UserError: no step of a pipeline has this type, or several have.
    """
    return [dict(one, pipeline=change_steps(one['pipeline'], **changes)) for one in datasets]


def apply_at_random(steps: Steps, **probabilities: float) -> list[dict[str, Any]]:
    """A copy of ``steps`` in which some are applied to a part of the images only.

    Args:
        steps: each with a ``type``.
        **probabilities: type of a step to the probability with which an image goes through it.

    Raises:
        UserError: no step has this type, or several have.
    """
    changed = copy.deepcopy(list(steps))
    for name, probability in probabilities.items():
        inside, index = _find(changed, name)
        inside[index] = dict(type='RandomApply', prob=probability, transforms=[inside[index]])
    return changed


def insert_after(steps: Steps, name: str, *new: dict[str, Any]) -> list[dict[str, Any]]:
    """A copy of ``steps`` with ``new`` ones behind the one of type ``name``.

    Raises:
        UserError: no step has this type, or several have.
    """
    changed = copy.deepcopy(list(steps))
    inside, index = _find(changed, name)
    inside[index + 1 : index + 1] = new
    return changed


def _find(steps: list[dict[str, Any]], name: str) -> tuple[list[dict[str, Any]], int]:
    """The list that holds the one step of a type, and its place there."""
    places = _places(steps)
    found = [(inside, index) for inside, index in places if inside[index]['type'] == name]
    if len(found) != 1:
        known = ', '.join(inside[index]['type'] for inside, index in places)
        how_many = 'several steps have' if found else 'no step has'
        raise UserError(f'{how_many} the type {name!r}; the steps are {known}')
    return found[0]


def _places(steps: list[dict[str, Any]]) -> list[tuple[list[dict[str, Any]], int]]:
    """List and place of every step, those inside another one as well."""
    places = []
    for index, step in enumerate(steps):
        places += [(steps, index), *_places(step.get('transforms', []))]
    return places
