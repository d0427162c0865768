"""step.json: what a step was made from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, ClassVar

from mmbfbox.artifacts.base import Artifact
from mmbfbox.utils.moved_configs import current_name
from mmbfbox.utils.renamed_keys import RENAMED_KEYS


@dataclass(frozen=True)
class StepRecord(Artifact):
    """What decided the results of a command, noted before it starts.

    Attributes:
        command: as a reader types it.
        settings: ``configs`` (the content of each by its name) and ``arguments``; folders are written
            as ``<work dir>`` and ``<data>``.
        inputs: hash of each file that it read. Names are paths below the work dir, or begin with
            ``<data>``; in files of schema 1 they are the last folder and the file.

    Example:
        >>> record = StepRecord('python tools/train.py a.py', {'arguments': []}, {'data/a.txt': 'f00'})
        >>> record.input_hash('data/a.txt'), record.input_hash('data/b.txt')
        ('f00', None)
    """

    SCHEMA: ClassVar[int] = 2
    KIND: ClassVar[str] = 'the record of what a step was made from'
    ADVICE: ClassVar[str] = 'move its folder away to make it anew'

    command: str
    settings: dict[str, Any]
    inputs: dict[str, str]

    @property
    def hash(self) -> str:
        """Twelve hexadecimal digits of settings and inputs."""
        text = json.dumps([self.settings, self.inputs], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def input_hash(self, name: str) -> str | None:
        """The hash of an input; None if the record does not have it."""
        short = '/'.join(PurePosixPath(name).parts[-2:])
        return self.inputs.get(name, self.inputs.get(short))

    @classmethod
    def upgrade(cls, data: dict[str, Any], schema: int) -> dict[str, Any]:
        """Schema 1 (``reproduce.json``) had the annotations among the settings, and a hash of these.

        Its configs name keys and other configs as they were called then, and the model of ``final``, in
        whose place the export puts another one.
        """
        settings, inputs = data['settings'], data['inputs']
        annotations = settings.pop('annotations', ['', ''])
        for split, found in zip(('train', 'val'), annotations, strict=True):
            if found:
                inputs[f'wider_face_split/wider_face_{split}_bbx_gt.txt'] = found
        for name, config in settings['configs'].items():
            if name == 'final':
                config.pop('model', None)
            for old, new in RENAMED_KEYS.items():
                (part, key), name = old.split('.'), new.split('.')[1]
                if key in config.get(part, {}):
                    config[part][name] = config[part].pop(key)
            if 'final_config' in config:
                config['final_config'] = _today(config['final_config'])
        return dict(command=data['command'], settings=settings, inputs=inputs)


def _today(config: str) -> str:
    """The present name of a config that the package ships; a path stays as it is."""
    old = config.removesuffix('.py')
    return config if current_name(old) == old else f'{current_name(old)}.py'
