"""Parts of a training set: what is trained on, what is scored on, what recalibrates BN.

The choice depends on the image names and a seed alone, so it is the same for every order of the
annotation file, on every platform and in every release.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from mmbfbox.errors import UserError

PARTS = ('train', 'held_out', 'recalibration')


def split_names(
    names: Sequence[str], part: str, *, held_out: int, recalibration: int, seed: int
) -> list[str]:
    """Names of the images ``event/file`` that belong to ``part``.

    ``'held_out'`` has ``held_out`` images spread over the events in proportion to their size; images in
    no folder are one event. ``'train'`` is all the rest in the given order, ``'recalibration'`` has
    ``recalibration`` images out of ``'train'``.

    Raises:
        UserError: an unknown part, what is no number, or more images asked for than there are.

    Example:
        >>> names = [f'{event}/{number}' for event in ('Parade', 'Concert') for number in range(4)]
        >>> split_names(names, 'held_out', held_out=2, recalibration=3, seed=0)
        ['Concert/0', 'Parade/3']
    """
    if part not in PARTS:
        raise UserError(f'part is {part!r}; set it to None or one of {", ".join(PARTS)}')
    for key, number in (('held_out', held_out), ('recalibration', recalibration)):
        if not isinstance(number, int):
            raise UserError(
                f'dataset.{key} is {number!r}, expected a whole number of images; correct it'
            )
    if held_out < 0 or recalibration < 0 or held_out + recalibration > len(names):
        raise UserError(
            f'held_out={held_out} and recalibration={recalibration} do not fit into the '
            f'{len(names)} images of the annotation file; lower dataset.held_out and '
            'dataset.recalibration, to the same in train_dataloader, held_out_dataloader and '
            'recalibration_dataloader'
        )
    chosen = _held_out(names, held_out, seed)
    if part == 'held_out':
        return chosen
    kept_out = set(chosen)
    rest = [name for name in names if name not in kept_out]
    if part == 'train':
        return rest
    return _shuffled(rest, f'recalibration {seed}')[:recalibration]


def _held_out(names: Sequence[str], number: int, seed: int) -> list[str]:
    events = defaultdict(list)
    for name in _shuffled(names, f'held out {seed}'):
        events[name.split('/')[0] if '/' in name else ''].append(name)
    exact = {event: number * len(members) / len(names) for event, members in events.items()}
    share = {event: int(value) for event, value in exact.items()}
    by_remainder = sorted(events, key=lambda event: (share[event] - exact[event], event))
    for event in by_remainder[: number - sum(share.values())]:
        share[event] += 1
    return [name for event in sorted(events) for name in events[event][: share[event]]]


def _shuffled(names: Sequence[str], salt: str) -> list[str]:
    return sorted(names, key=lambda name: hashlib.sha256(f'{salt} {name}'.encode()).digest())
