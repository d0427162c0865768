"""Settings of a training that are not those of the checkpoint from which it goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mmengine import Config

from mmbfbox.engine.checkpoint.schedules import Difference
from mmbfbox.errors import UserError
from mmbfbox.utils.config import config_from_text
from mmbfbox.utils.renamed_keys import rename_keys

_PARTS = ('model', 'train_dataloader', 'optim_wrapper', 'custom_hooks')
_LEFT_OUT = {
    *('data_root', 'ann_file', 'data_prefix', 'img_prefix', 'init_cfg', 'checkpoint'),  # places
    *('num_workers', 'persistent_workers', 'prefetch_factor', 'timeout', 'pin_memory'),  # no effect
    *('test_cfg', 'optimizer', 'paramwise_cfg'),  # of no training; told by the schedule
}


def changed_settings(config: Config, meta: Mapping[str, Any], source: str) -> list[Difference]:
    """What decides a step of training and is not as it was.

    Args:
        config: the config that the training goes on with.
        meta: notes of the checkpoint; ``cfg`` is the config that it was trained with.
        source: what the checkpoint is called.

    Returns:
        Nothing where the checkpoint has no config that can be read.
    """
    try:
        before = config_from_text(meta['cfg'], source)
        rename_keys(before)
    except (KeyError, TypeError, UserError):
        return []
    ours, theirs = config.to_dict(), before.to_dict()
    return [
        found
        for part in _PARTS
        if part in ours and part in theirs
        for found in _compare(ours[part], theirs[part], part)
    ]


def _compare(here: Any, there: Any, place: str) -> Iterator[Difference]:
    if isinstance(here, Mapping) and isinstance(there, Mapping):
        for key in sorted({*here, *there} - _LEFT_OUT, key=str):
            yield from _compare(here.get(key), there.get(key), f'{place}.{key}')
    elif _is_list(here) and _is_list(there) and len(here) == len(there):
        for index, pair in enumerate(zip(here, there, strict=True)):
            yield from _compare(*pair, f'{place}.{index}')
    elif here != there:
        yield Difference(place, here, there)


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))
