"""A step: a command, what it reads, and what it leaves."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mmengine import Config

LONG = ('train', 'search', 'test')
"""Tools that take a work dir, and that can share their work among processes."""


@dataclass(frozen=True)
class Step:
    """One command.

    Args:
        name: unique in its pipeline, like ``seed0/supernet``.
        tool: name of a script of ``tools/``, without suffix.
        folder: where its results go, and the record of what they were made from.
        done: file in it that is there when the step is finished.
        reads: the first arguments: config, checkpoint or arch.
        arguments: options of the command, which decide its results.
        configs: what the configs hold that it uses, by name; one that an earlier step makes is among
            the inputs.
        files: config files that are written for it, and under which name ``configs`` has their content.
        inputs: files of earlier steps, or of the user, that its results depend on. Those that a config
            names come by themselves.
        goes_on_from: checkpoint of an earlier step that a training goes on from.

    Example:
        >>> step = Step('final', 'train', Path('w'), Path('w/iter_9.pth'), ('best/config.py',))
        >>> step.readable_command()
        'python tools/train.py best/config.py --work-dir w'
    """

    name: str
    tool: str
    folder: Path
    done: Path
    reads: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    configs: Mapping[str, Config] = field(default_factory=dict)
    files: Mapping[Path, str] = field(default_factory=dict)
    inputs: tuple[Path, ...] = ()
    goes_on_from: Path | None = None

    def words(self, gpus: int = 1) -> list[str]:
        """The command line from the name of the script on; a training that was interrupted is resumed.

        Args:
            gpus: processes of a training, search or test.
        """
        if self.tool not in LONG:
            return [f'{self.tool}.py', *self.reads, *self.arguments]
        resumed = []
        if self.tool == 'train' and (self.folder / 'last_checkpoint').exists():
            resumed = ['--resume']
        elif self.goes_on_from is not None:
            resumed = ['--resume', str(self.goes_on_from)]
        return [
            f'dist_{self.tool}.sh' if gpus > 1 else f'{self.tool}.py',
            *self.reads,
            *([str(gpus)] if gpus > 1 else []),
            *('--work-dir', str(self.folder)),
            *resumed,
            *self.arguments,
        ]

    def readable_command(self, gpus: int = 1) -> str:
        """The command as a reader types it in the checkout."""
        script, *arguments = self.words(gpus)
        return ' '.join([*_interpreter(script, 'python'), f'tools/{script}', *arguments])

    def full_command(self, tools: Path, gpus: int = 1) -> list[str]:
        """The command for this interpreter.

        Args:
            tools: folder of the scripts.
            gpus: processes.
        """
        script, *arguments = self.words(gpus)
        return [
            *(_interpreter(script, sys.executable) or ['bash']),
            str(tools / script),
            *arguments,
        ]


def _interpreter(script: str, python: str) -> list[str]:
    return [] if script.endswith('.sh') else [python]
