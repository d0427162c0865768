"""How detections were made: numbers of different settings do not compare."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mmbfbox.artifacts.base import Artifact

FILE = 'test_settings.json'
"""Its name beside the predictions."""

_OF_THE_WEIGHTS = ('weights', 'sha256', 'arch')


@dataclass(frozen=True)
class TestSettings(Artifact):
    """What decides which boxes a detector reports, as ``tools/test.py`` writes it beside predictions.

    Attributes:
        scheme: the scale of the images in words; ``'multi-scale'`` with several views.
        tta: all settings of the views and of the vote; None for one view.
        score_thr: least score of a box.
        nms_iou: IoU from which NMS removes a box.
        max_per_img: most boxes an image.
        weights: ``'raw'``, ``'ema'``, or None where the checkpoint does not tell.
        sha256: of the weights, see :func:`~mmbfbox.engine.checkpoint.weights.digest`.
        arch: the subnet of a supernet that was tested, as its file has it.
        norm_statistics: ``'crops'`` or ``'images'``, where batch norm was tested with statistics of
            training images other than the running ones.
    """

    __test__ = False  # pytest takes it for a test

    SCHEMA: ClassVar[int] = 2
    KIND: ClassVar[str] = 'the settings of a test'
    ADVICE: ClassVar[str] = 'run tools/test.py again'

    scheme: str
    tta: dict[str, Any] | None = None
    score_thr: float | None = None
    nms_iou: float | None = None
    max_per_img: int | None = None
    weights: str | None = None
    sha256: str | None = None
    arch: dict[str, Any] | None = None
    norm_statistics: str | None = None

    def __post_init__(self) -> None:
        if self.tta is not None:
            # As a file gives it back, so that written and read settings are equal.
            object.__setattr__(self, 'tta', json.loads(json.dumps(self.tta)))

    @classmethod
    def upgrade(cls, data: dict[str, Any], schema: int) -> dict[str, Any]:
        """Schema 1 stood in a copy of metrics.json."""
        settings: dict[str, Any] = data['settings']
        return dict(settings)

    def __str__(self) -> str:
        if self.tta is None:
            return self.scheme
        told = dict(self.tta)
        name = told.pop('preset', None)
        parts = ([str(name)] if name else []) + [f'{key} {_words(told[key])}' for key in told]
        return f'{self.scheme} ({", ".join(parts)})'

    def differences(self, other: TestSettings) -> list[str]:
        """Names of the settings that differ; those of the weights themselves are not among them.

        A setting that one of the two files does not tell is taken as equal.
        """
        names = [name for name in self.__dataclass_fields__ if name not in _OF_THE_WEIGHTS]
        pairs = {name: (getattr(self, name), getattr(other, name)) for name in names}
        return [
            name
            for name, pair in pairs.items()
            if pair[0] != pair[1] and (name == 'tta' or None not in pair)
        ]

    @classmethod
    def beside(cls, predictions: str | Path) -> TestSettings | None:
        """The settings beside predictions (their folder or one file), or None if there are none.

        Raises:
            UserError: the file is damaged or of a newer schema.
        """
        path = Path(predictions)
        path = (path if path.is_dir() else path.parent) / FILE
        return cls.read(path) if path.is_file() else None


def _words(value: object) -> str:
    return (
        '/'.join(map(str, value))
        if isinstance(value, Sequence) and not isinstance(value, str)
        else str(value)
    )
