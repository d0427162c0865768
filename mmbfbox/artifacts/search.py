"""``search.json``: which search a work dir belongs to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from mmbfbox.artifacts.arch import SpaceId
from mmbfbox.artifacts.base import Artifact

SEARCH_FILE = 'search.json'


@dataclass(frozen=True)
class ImageList:
    """Images that scores depend on.

    Args:
        number: how many they are.
        file: name of the annotation file that lists them.
        trained_on: how many of them the supernet was trained on; None if that is not known.
        names: fingerprint of their names, in order.
        pipeline: fingerprint of what is done to them before.
        shared: how many of them are in the other list of the search, too.
    """

    number: int
    file: str
    trained_on: int | None
    names: str
    pipeline: str
    shared: int = 0

    def __str__(self) -> str:
        use = f'{self.trained_on} of {self.number} used in training'
        if self.trained_on is None:
            use = 'not compared with the training images'
        elif not self.trained_on:
            use = 'held out of training'
        elif self.trained_on == self.number:
            use = 'used in training'
        shared = f', {self.shared} of them recalibrate and score' if self.shared else ''
        return f'{self.number} images of {self.file}, {use}{shared}'


@dataclass(frozen=True)
class SearchFile(Artifact):
    """What decides which candidates there are and what they score.

    The number of candidates, what happens to the best, and what only makes it faster are not among them.
    Fingerprints are twelve hexadecimal digits.

    Args:
        space: what is searched.
        fixed: the parts of an arch that are the same in all (``backbone``, ``fpn``), as text.
        sampler: its ``type`` and all of its keys.
        seed: seed of all draws.
        metric: the score that orders candidates.
        constraints: cost to its bounds.
        pruner: its keys; None without one.
        size: height and width of the images that costs are counted for, in pixels.
        scorer: what :meth:`~mmbfbox.search.scoring.interface.Scorer.identity` says.
        detector: fingerprint of the supernet's config.
        recalibration, held_out: the images.
        supernet: fingerprint of the checkpoint's bytes.
        latency: how latency is measured, and on which device; None if it is not.
        evaluator: fingerprint of what measures AP; None in a file of schema 1, which did not note it.
        stream: ``'own'``, or ``'training'`` in searches begun before schema 3, whose seed draws the archs
            that :class:`~mmbfbox.engine.hooks.PathSamplingHook` draws of the same seed.
        allowed: what the supernet's training has left of the choices of each place; None for all of them.
    """

    SCHEMA: ClassVar[int] = 3
    KIND: ClassVar[str] = 'what was searched'
    ADVICE: ClassVar[str] = 'search again in another work dir'

    space: SpaceId
    fixed: dict[str, Any]
    sampler: dict[str, Any]
    seed: int
    metric: str
    constraints: dict[str, dict[str, float]]
    pruner: dict[str, Any] | None
    size: list[int]
    scorer: dict[str, Any]
    detector: str
    recalibration: ImageList
    held_out: ImageList
    supernet: str
    latency: dict[str, Any] | None = None
    evaluator: str | None = None
    stream: str = 'own'
    allowed: dict[str, list[str]] | None = None

    def to_plain(self) -> dict[str, Any]:
        """The fields as plain values."""
        plain = super().to_plain()
        return {
            **plain,
            **{key: asdict(plain[key]) for key in ('space', 'recalibration', 'held_out')},
        }

    @classmethod
    def from_plain(cls, data: dict[str, Any]) -> SearchFile:
        """With the space and the images."""
        images = {key: ImageList(**data[key]) for key in ('recalibration', 'held_out')}
        return cls(**{**data, **images, 'space': SpaceId(**data['space'])})

    @classmethod
    def upgrade(cls, data: dict[str, Any], schema: int) -> dict[str, Any]:
        """From schema 2, which took for granted what was trained on, and from schema 1.

        In schema 1 the space and the images were sentences and parts had other names.
        """
        if schema < 2:
            data = cls._from_schema_1(data)
        images = {
            key: {**data[key], 'trained_on': None, 'shared': 0}
            for key in ('recalibration', 'held_out')
        }
        return {**data, **images, 'stream': 'training'}

    @classmethod
    def _from_schema_1(cls, data: dict[str, Any]) -> dict[str, Any]:
        hash_ = data['space'].split(' ')[1]
        sampler = dict(data['strategy'])
        if sampler.get('type') == 'ageing':
            sampler['type'] = 'regularized_evolution'
        scorer = dict(data['scorer'])
        scorer['batch_size'] = scorer.get('batch_size') or data['held_out batches']['size']
        scorer['recalibration_batch_size'] = data['recalibration batches']['size']
        same = ('seed', 'metric', 'size', 'detector', 'supernet')
        return {
            **{key: data[key] for key in same},
            'space': dict(hash=hash_, name=data['space']),
            'fixed': data['fixed parts'],
            'sampler': sampler,
            'scorer': scorer,
            'constraints': data['limits'],
            'pruner': data['race'],
            'latency': data.get('latency'),
            **{key: _images_of_schema_1(data, key) for key in ('recalibration', 'held_out')},
        }


def _images_of_schema_1(data: dict[str, Any], key: str) -> dict[str, Any]:
    """From a sentence like ``10 of a.txt, held out of training (2ca5cdf62e38)``."""
    said, _, names = data[f'{key} images'].rpartition(' (')
    number, _, rest = said.partition(' of ')
    file = rest.rpartition(', ')[0]
    return dict(
        number=int(number),
        file=file,
        trained_on=None,
        names=names.rstrip(')'),
        pipeline=data[f'{key} batches']['pipeline'],
    )
