"""What makes two searches the same one: the values that candidates and their scores depend on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from pathlib import PurePath
from typing import Any

from mmengine import Config

from mmbfbox.artifacts.search import ImageList, SearchFile
from mmbfbox.search.constraints import Constraints
from mmbfbox.search.pruner import Pruner
from mmbfbox.search.samplers import complete_settings
from mmbfbox.search.scoring.build import complete_identity
from mmbfbox.search.scoring.data import recalibration_loader
from mmbfbox.search.scoring.interface import Scorer
from mmbfbox.space import FrozenSpace, JointSpace
from mmbfbox.utils.fingerprint import fingerprint


def search_identity(
    config: Config,
    space: JointSpace,
    scorer: Scorer,
    supernet: bytes,
    latency: Mapping[str, Any] | None = None,
    trained_on: Collection[str] | None = None,
    stream: str = 'own',
) -> SearchFile:
    """The identity of the search that a config describes.

    Args:
        config: config with ``search``.
        space: what it searches.
        scorer: built from the config.
        supernet: the checkpoint, as it is on the disk.
        latency: how latency is measured, if it is.
        trained_on: names of the images that the supernet was trained on, if they are known.
        stream: which random numbers the seed chooses, see :class:`~mmbfbox.artifacts.search.SearchFile`.
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
        recalibration=_images(config, scorer, 'recalibration', 'held_out', trained_on),
        held_out=_images(config, scorer, 'held_out', 'recalibration', trained_on),
        supernet=fingerprint(supernet),
        latency=dict(latency) if latency else None,
        evaluator=fingerprint(dict(metrics=_without_folders(config.held_out_evaluator))),
        stream=stream,
        allowed={place: list(names) for place, names in space.choices.items()}
        if space.is_shrunk
        else None,
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
        # How the lists overlap follows from the lists; it is counted anew.
        recalibration=_counted_as(earlier.recalibration, now.recalibration),
        held_out=_counted_as(earlier.held_out, now.held_out),
    )


def _counted_as(earlier: ImageList, now: ImageList) -> ImageList:
    return replace(earlier, trained_on=now.trained_on, shared=now.shared)


def _complete_pruner(settings: Mapping[str, Any] | None) -> dict[str, Any] | None:
    pruner = Pruner.build(settings)
    return None if pruner is None else asdict(pruner)


def _images(
    config: Config, scorer: Scorer, name: str, other: str, trained_on: Collection[str] | None
) -> ImageList:
    """A list of images: how many, of which file, and what else the same images are used for."""
    loader = recalibration_loader(config) if name == 'recalibration' else config.held_out_dataloader
    dataset, names = loader.dataset, scorer.images[name]
    if dataset.get('type') == 'FixedSamples':
        dataset = dataset.dataset
    own = set(names)
    return ImageList(
        number=len(names),
        file=PurePath(dataset.get('ann_file', '')).name,
        trained_on=None if trained_on is None else len(own & set(trained_on)),
        names=fingerprint(names),
        pipeline=fingerprint(dict(steps=dataset.get('pipeline'))),
        shared=len(own & set(scorer.images[other])),
    )


def _without_folders(value: Any) -> Any:
    """Settings in which paths are names: the same data may stand elsewhere."""
    if isinstance(value, Mapping):
        return {key: _without_folders(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_folders(item) for item in value]
    return PurePath(value).name if isinstance(value, str) else value
