"""What export and publishing note in a checkpoint beside the weights: its ``meta``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from mmbfbox.artifacts.base import Artifact
from mmbfbox.errors import UserError

Meta = TypeVar('Meta', bound='CheckpointMeta')


@dataclass(frozen=True)
class CheckpointMeta(Artifact):
    """Fields of ``meta``; the file is a ``.pth``, so :meth:`to_plain` goes into it.

    Attributes:
        dataset_meta: the class names, without which mmdet takes a model for one of COCO.
        weights: ``'raw'``, ``'ema'``, or None where it is not known.
    """

    KIND: ClassVar[str] = "the notes in a checkpoint's meta"

    dataset_meta: dict[str, Any] | None = None
    weights: str | None = None

    @classmethod
    def of_checkpoint(cls: type[Meta], meta: Mapping[str, Any], source: str | Path) -> Meta:
        """What a checkpoint's ``meta`` tells; what others wrote into it is left alone.

        Raises:
            UserError: it is of a newer schema.
        """
        schema = meta.get('schema', 1)
        if isinstance(schema, int) and schema > cls.SCHEMA:
            raise UserError(
                f'{source} has {cls.KIND} of schema {schema}, and this version of mmbfbox reads up to '
                f'{cls.SCHEMA}; update mmbfbox'
            )
        return cls(**{own.name: meta[own.name] for own in fields(cls) if own.name in meta})

    def to_meta(self) -> dict[str, Any]:
        """The ``meta`` to store."""
        return {'schema': self.SCHEMA, **self.to_plain()}


@dataclass(frozen=True)
class ExportMeta(CheckpointMeta):
    """Of a subnet's ``weights.pth``.

    Attributes:
        arch: the arch, as JSON of its space.
        candidate: its number in the search; None for an arch that was given.
        recalibrated: whether batch norm has the subnet's own statistics; None in older files.
    """

    arch: str | None = None
    candidate: int | None = None
    recalibrated: bool | None = None


@dataclass(frozen=True)
class PublishMeta(CheckpointMeta):
    """Of a published file.

    Attributes:
        cfg: the config's text.
        arch: the arch as text; None for a network without one.
        metric: results by name, as fractions; NaN where there were no faces.
        settings: how these were tested, see :class:`~mmbfbox.artifacts.test_settings.TestSettings`.
        sha256: of the weights, see :func:`~mmbfbox.engine.checkpoint.weights.digest`.
    """

    cfg: str = ''
    arch: str | None = None
    metric: dict[str, float] = field(default_factory=dict)
    settings: dict[str, Any] | None = None
    sha256: str | None = None

    def to_plain(self) -> dict[str, Any]:
        """The fields; that there is no arch is said, too."""
        return {'arch': self.arch, **super().to_plain()}
