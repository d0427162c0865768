"""What a model file says of itself: the metadata that the export writes."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from mmbfbox.errors import UserError

PREFIX = 'mmbfbox.'
LAYOUT = 'levels'
SCHEMA = 1


@dataclass(frozen=True)
class ModelInfo:
    """What one has to know to use a model.

    Attributes:
        strides: of its levels, finest first.
        divisor: height and width of an input are multiples of it.
        mean: colour of what is filled up, BGR.
        score_threshold: least score of a box when the model was tested.
        nms_iou: most IoU of two faces.
        max_faces: most faces of a picture.
        name: of the model.
        source: SHA-256 of the weights that it was exported from.
        licence: of the weights.
    """

    strides: tuple[int, ...]
    divisor: int
    mean: tuple[float, float, float]
    score_threshold: float
    nms_iou: float
    max_faces: int
    name: str = ''
    source: str = ''
    licence: str = ''

    @classmethod
    def of_metadata(
        cls, metadata: Mapping[str, str], outputs: Collection[str], path: str
    ) -> ModelInfo:
        """From the metadata of a file.

        Args:
            metadata: keys with their prefix ``mmbfbox.``, values as text.
            outputs: names of the model's outputs.
            path: the file, for messages.

        Raises:
            UserError: it is no export of ours, of another layout, of a newer schema, or damaged.
        """
        own = {k.removeprefix(PREFIX): v for k, v in metadata.items() if k.startswith(PREFIX)}
        again = 'export it again with tools/export_onnx.py'
        if 'layout' not in own:
            raise UserError(
                f'the model {path} is no export of mmbfbox: its metadata has no {PREFIX}layout; {again}'
            )
        if own['layout'] != LAYOUT:
            raise UserError(
                f'the model {path} has the layout {own["layout"]}, which is for other programs; '
                f'FaceDetector reads {LAYOUT}, so {again} --layout {LAYOUT}'
            )
        try:
            if int(own.get('schema', '1')) > SCHEMA:
                raise UserError(
                    f'the model {path} is of schema {own["schema"]}, and this version of mmbfbox reads up '
                    f'to {SCHEMA}; update mmbfbox'
                )
            strides = tuple(map(int, json.loads(own['strides'])))
            blue, green, red = map(float, json.loads(own['mean']))
            info = cls(
                strides=strides,
                divisor=int(own.get('divisor', max(strides))),
                mean=(blue, green, red),
                score_threshold=float(own['score_threshold']),
                nms_iou=float(own['nms_iou']),
                max_faces=int(own['max_faces']),
                name=own.get('name', ''),
                source=own.get('source', ''),
                licence=own.get('licence', ''),
            )
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(f'the metadata of the model {path} is damaged ({error}); {again}') from error
        missing = [
            name
            for stride in info.strides
            for name in (f'score_{stride}', f'bbox_{stride}')
            if name not in outputs
        ]
        if missing:
            raise UserError(f'the model {path} has no output {missing[0]}; {again}')
        return info

    def to_plain(self) -> dict[str, Any]:
        """What users may want to see."""
        return {
            'name': self.name,
            'strides': list(self.strides),
            'licence': self.licence,
            'source': self.source,
        }
