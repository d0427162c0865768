"""What makes two searches the same one: the values that candidates and their scores depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import PurePath
from typing import Any

from mmengine import Config

from mmbfbox.artifacts.search import ImageList, SearchFile
from mmbfbox.search.constraints import Constraints
from mmbfbox.search.pruner import Pruner
from mmbfbox.search.samplers import complete_settings
from mmbfbox.search.scoring.build import complete_identity
from mmbfbox.search.scoring.interface import Scorer
from mmbfbox.space import FrozenSpace, JointSpace
from mmbfbox.utils.fingerprint import fingerprint


def search_identity(
    config: Config,
    space: JointSpace,
    scorer: Scorer,
    supernet: bytes,
    latency: Mapping[str, Any] | None = None,
) -> SearchFile:
    """The identity of the search that a config describes.

    Args:
        config: config with ``search``.
        space: what it searches.
        scorer: built from the config.
        supernet: the checkpoint, as it is on the disk.
        latency: how latency is measured, if it is.
    """
    settings = config.search
    fixed = {}
    if isinstance(space, FrozenSpace):
        fixed = {
            'backbone': space.stages and [' '.join(stage) for stage in space.stages],
            'fpn': space.merges and [str(merge) for merge in space.merges],
        }
    return SearchFile(
        space=space.id,
        fixed=fixed,
        sampler=complete_settings(settings.get('sampler')),
        seed=settings.seed,
        metric=settings.metric,
        constraints={
            cost: dict(bound)
            for cost, bound in Constraints(settings.constraints or {}).bounds.items()
        },
        pruner=_complete_pruner(settings.get('pruner')),
        size=list(settings.size),
        scorer=scorer.identity(),
        detector=fingerprint(config.model.to_dict()),
        recalibration=_images(config, scorer, 'recalibration'),
        held_out=_images(config, scorer, 'held_out'),
        supernet=fingerprint(supernet),
        latency=dict(latency) if latency else None,
        evaluator=fingerprint(dict(metrics=_without_folders(config.held_out_evaluator))),
    )


def complete(earlier: SearchFile, now: SearchFile) -> SearchFile:
    """What an earlier version wrote, with the values that it left at their defaults.

    Args:
        earlier: what a work dir says.
        now: the search that asks for it; what the earlier version did not note is taken from it.
    """
    return replace(
        earlier,
        sampler=complete_settings(earlier.sampler),
        pruner=_complete_pruner(earlier.pruner),
        scorer=complete_identity(earlier.scorer),
        evaluator=earlier.evaluator or now.evaluator,
    )


def _complete_pruner(settings: Mapping[str, Any] | None) -> dict[str, Any] | None:
    pruner = Pruner.build(settings)
    return None if pruner is None else asdict(pruner)


def _images(config: Config, scorer: Scorer, name: str) -> ImageList:
    """A list of images: how many, of which file, and whether they were trained on."""
    dataset, names = config[f'{name}_dataloader'].dataset, scorer.images[name]
    training = config.get('train_dataloader', {}).get('dataset', {})
    file = dataset.get('ann_file', '')
    trained: bool | None = None
    if file == training.get('ann_file'):
        trained = not (dataset.get('part') == 'held_out' and training.get('part') == 'train')
    return ImageList(
        number=len(names),
        file=PurePath(file).name,
        trained_on=trained,
        names=fingerprint(names),
        pipeline=fingerprint(dict(steps=dataset.get('pipeline'))),
    )


def _without_folders(value: Any) -> Any:
    """Settings in which paths are names: the same data may stand elsewhere."""
    if isinstance(value, Mapping):
        return {key: _without_folders(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_folders(item) for item in value]
    return PurePath(value).name if isinstance(value, str) else value
