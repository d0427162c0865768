"""What an exported ONNX file says of itself: its ``metadata_props``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

from mmbfbox.artifacts.base import Artifact
from mmbfbox.errors import UserError

PREFIX = 'mmbfbox.'


@dataclass(frozen=True)
class OnnxMeta(Artifact):
    """Metadata of an exported detector; each field is a text ``mmbfbox.<name>`` in the file.

    Attributes:
        layout: form of the outputs, like ``'levels'``; see docs/deploy.md.
        strides: of the levels in the file, finest first; height and width of an image have to be multiples
            of the last one.
        anchors: boxes a cell.
        mean: colour that the network takes for nothing, BGR from 0 to 255; for what is padded.
        score_threshold: least score of a box, as the detector was tested.
        nms_iou: IoU from which a box suppresses another one.
        max_faces: most boxes an image.
        source: SHA-256 of the weights, see :func:`~mmbfbox.engine.checkpoint.weights.digest`.
        licence: of the weights.
        name: of the detector.
    """

    KIND: ClassVar[str] = 'the metadata of an exported detector'
    ADVICE: ClassVar[str] = 'export it again with tools/export_onnx.py'

    layout: str
    strides: tuple[int, ...]
    anchors: int
    mean: tuple[float, ...]
    score_threshold: float
    nms_iou: float
    max_faces: int
    source: str
    licence: str = 'not stated'
    name: str = 'detector'

    def to_texts(self) -> dict[str, str]:
        """Names and texts for the file; what is no text is JSON."""
        plain = self.named_plain()
        return {
            PREFIX + name: value if isinstance(value, str) else json.dumps(value)
            for name, value in plain.items()
        }

    @classmethod
    def from_texts(cls, texts: Mapping[str, str], source: str | Path) -> OnnxMeta:
        """Read a file's metadata.

        Args:
            texts: names and texts; those of others are left alone.
            source: the file's name, for messages.

        Raises:
            UserError: they are not those of an exported detector, or of a newer schema.
        """
        own = {n[len(PREFIX) :]: text for n, text in texts.items() if n.startswith(PREFIX)}
        if not own:
            raise UserError(
                f'{source} is not an exported detector: it has no metadata of mmbfbox; export one with '
                f'tools/export_onnx.py'
            )
        spoken = {field.name for field in fields(cls) if field.type == 'str'}
        try:
            data = {n: text if n in spoken else json.loads(text) for n, text in own.items()}
        except ValueError as error:
            raise cls._damaged(source, str(error)) from error
        return cls.from_json(json.dumps(data), source)

    @classmethod
    def from_plain(cls, data: dict[str, Any]) -> OnnxMeta:
        """With tuples."""
        return cls(**{**data, 'strides': tuple(data['strides']), 'mean': tuple(data['mean'])})
