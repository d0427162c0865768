"""Which keys a part of a config can have beside those that it has."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

OF_RUNNER = (
    *('model', 'work_dir', 'train_dataloader', 'val_dataloader', 'test_dataloader'),
    *('train_cfg', 'val_cfg', 'test_cfg', 'auto_scale_lr', 'optim_wrapper', 'param_scheduler'),
    *('val_evaluator', 'test_evaluator', 'default_hooks', 'custom_hooks', 'data_preprocessor'),
    *('load_from', 'resume', 'launcher', 'env_cfg', 'log_processor', 'log_level', 'visualizer'),
    *('default_scope', 'randomness', 'experiment_name'),
)
"""The keys of a config that mmengine's ``Runner`` reads; listed, because importing it imports torch."""
OURS = (
    *('search', 'supernet_check', 'final_config', 'data_root', 'held_out_dataloader'),
    *('recalibration_dataloader', 'held_out_evaluator', 'tta_model', 'tta_pipeline'),
)
"""The keys that our tools read beside them."""
_OF_LOADERS = {'dataset', 'sampler', 'batch_sampler', 'collate_fn', 'num_batch_per_epoch'}


def keys_of(part: Mapping[str, Any], place: Sequence[str] = ()) -> set[str]:
    """The parameters of what a part of a config builds.

    Args:
        part: its settings. Without a ``type`` of mmdet's or mmengine's registries, or where these build
            something that is no class or function, nothing is known.
        place: the keys that lead to it.

    Example:
        >>> 'momentum' in keys_of(dict(type='SGD')), keys_of(dict(type='NoSuchPart'))
        (True, set())
    """
    if len(place) == 1 and place[0].endswith('_dataloader'):
        from torch.utils.data import DataLoader

        return _OF_LOADERS | parameters_of(DataLoader)
    if 'type' not in part:
        return set()
    return {name for kind in _kinds(part['type']) for name in parameters_of(kind)}


def parameters_of(kind: Any) -> set[str]:
    """Names of the parameters of a function or a class, with those of its bases that it passes on."""
    names: set[str] = set()
    for one in inspect.getmro(kind) if inspect.isclass(kind) else [kind]:
        if inspect.isclass(one) and '__init__' not in vars(one):
            continue
        try:
            parameters = inspect.signature(one).parameters
        except (TypeError, ValueError):
            break
        names |= {key for key, value in parameters.items() if value.kind is not value.VAR_KEYWORD}
        if not any(value.kind is value.VAR_KEYWORD for value in parameters.values()):
            break
    return names - {'self', 'args'}


def _kinds(name: Any) -> Iterator[Any]:
    """What the registries have under a name; the same one may mean several things."""
    if not isinstance(name, str):
        yield name
        return
    from mmdet import registry as registries  # here, because it imports torch
    from mmengine.registry import Registry

    for registry in vars(registries).values():
        if isinstance(registry, Registry):
            kind = registry.get(name.removeprefix('mmdet.'))
            if callable(kind):
                yield kind


def mistyped(name: str, known: Sequence[str]) -> list[str]:
    """The known names that a name differs from by one slip: letters swapped, one left out, added or changed.

    A plural is none, and no name with an underscore before it: they may well be names of their own.

    Example:
        >>> mistyped('omdel', OF_RUNNER), mistyped('models', OF_RUNNER)
        (['model'], [])
    """
    chosen = [form for other in known for form in (other, f'{other}s', f'_{other}')]
    return [] if name in chosen else [other for other in known if _slip(name, other)]


def _slip(one: str, other: str) -> bool:
    pairs = enumerate(zip(one, other, strict=False))
    same = next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))
    a, b = one[same:], other[same:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or sorted(a) == sorted(b)
