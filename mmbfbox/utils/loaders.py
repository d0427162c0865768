"""Settings of data loaders that follow from others, and loaders under which a loop would never end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mmbfbox.errors import UserError, near_names
from mmbfbox.utils.known_keys import keys_of

TIMEOUT = 300
"""Seconds after which a worker that sends no batch is taken for lost, where the config says nothing."""

_OF_WORKERS = ('persistent_workers', 'prefetch_factor', 'timeout', 'multiprocessing_context')
_ENDLESS = ('ResumableSampler', 'InfiniteSampler', 'MultiSourceSampler', 'GroupMultiSourceSampler')
_SMALLEST = dict(num_workers=0, batch_size=1)


def dependent_loader_options(config: Mapping[str, Any]) -> None:
    """Let the options of each ``*_dataloader`` follow from the number of its workers.

    Without workers, what only workers can have is dropped (torch refuses it); with workers, a batch is
    waited for :data:`TIMEOUT` seconds unless ``timeout`` is set (0 waits for ever).

    Args:
        config: its loaders are changed in place.

    Raises:
        UserError: a key is unknown, the data set is none, ``num_workers`` or ``batch_size`` is no whole
            number or too small, or a sampler without end feeds a loop that waits for the end.
    """
    for name, loader in _loaders(config):
        _check_keys(name, loader)
        for key, smallest in _SMALLEST.items():
            value = loader.get(key, smallest)
            if not isinstance(value, int) or value < smallest:
                raise UserError(f'{name}.{key} is {value!r}; set it to {smallest} or more')
        if loader.get('num_workers', 0):
            loader.setdefault('timeout', TIMEOUT)
        else:
            for key in _OF_WORKERS:
                loader.pop(key, None)
        _check_ends(config, name, loader)


def _loaders(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in config.items():
        if name.endswith('_dataloader'):
            several = value if isinstance(value, (list, tuple)) else [value]
            yield from ((name, loader) for loader in several if isinstance(loader, Mapping))


def _check_keys(name: str, loader: Mapping[str, Any]) -> None:
    """torch's own errors name neither the loader nor what was meant."""
    known = keys_of(loader, [name])
    for key in sorted(set(loader) - known):
        near = near_names(key, known)
        hint = f'did you mean {" or ".join(near)}?' if near else 'remove it'
        raise UserError(f'{name} takes no {key}; {hint}')
    dataset = loader.get('dataset', {})
    if not isinstance(dataset, Mapping):
        raise UserError(f'{name}.dataset is {dataset!r}; give a dict with a type')


def _check_ends(config: Mapping[str, Any], name: str, loader: Mapping[str, Any]) -> None:
    sampler = _type_of(loader.get('sampler'))
    if sampler not in _ENDLESS:
        return
    if name != 'train_dataloader':
        raise UserError(
            f'{name}.sampler.type is {sampler}, which never ends; set it to DefaultSampler'
        )
    loop = config.get('train_cfg') or {}
    if _type_of(loop) == 'EpochBasedTrainLoop' or ('type' not in loop and loop.get('by_epoch')):
        raise UserError(
            f'train_cfg asks for epochs, but train_dataloader.sampler.type is {sampler}, which never '
            'ends; set train_cfg.type to ResumableTrainLoop and max_iters in place of max_epochs, or '
            'the sampler to DefaultSampler'
        )


def _type_of(part: Any) -> str:
    """Name of the class that a part of a config asks for, given as text or as the class itself."""
    kind = part.get('type', '') if isinstance(part, Mapping) else ''
    return str(getattr(kind, '__name__', kind)).rpartition('.')[2]
