"""One round of one finalist: training and test as commands, and the result that they leave."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

from mmengine import Config

from mmbfbox.artifacts.finalists import (
    Finalist,
    FinalistsFile,
    RoundResult,
    network_folder,
)
from mmbfbox.pipeline.plan import Pipeline
from mmbfbox.pipeline.run import StepFailedError, run
from mmbfbox.pipeline.trainings import run_record
from mmbfbox.search.finalists.settings import FinalistSettings
from mmbfbox.search.finalists.training import finalist_config
from mmbfbox.utils.threads import usable_cores

LOG = 'log.txt'


@dataclass(frozen=True)
class FinalistTraining:
    """Trains a network to the end of a round and scores it.

    A rung goes on from the checkpoint of the rung before; a repeat is a whole training with another seed.
    Training and test are commands of their own, so one that breaks takes nobody with it, and goes on from
    its last checkpoint after whatever has stopped it.

    Args:
        config: of the search, with its ``work_dir``.
        settings: of its finalists.
        file: what is trained.
        network: which one.
        number: of the round, counted from 1.
        environment: of the commands.
        meanwhile: surrounds the time in which a command runs.
    """

    config: Config
    settings: FinalistSettings
    file: FinalistsFile
    network: Finalist
    number: int
    environment: Mapping[str, str]
    meanwhile: Callable[[], AbstractContextManager[Any]] = nullcontext

    @property
    def folder(self) -> Path:
        """Of the network."""
        return network_folder(self.config.work_dir, self.network.name)

    @property
    def seed(self) -> int:
        """Of weights and crops: that of the settings at the rungs, the next ones in repeats."""
        return self.settings.seed + max(0, self.number - len(self.file.rungs))

    def __call__(self, tools: Path) -> RoundResult:
        """Train and test; a training that diverges is a result, too.

        Args:
            tools: folder of the command lines.

        Raises:
            StepFailedError: a command fails for a reason that is not the network's.
        """
        plan = self._plan()
        training, test = list(plan.steps.values())
        log = plan.folder / LOG
        try:
            run(plan, tools, redo=True, log=log)
        except StepFailedError as error:
            if error.step is not training or not (training.folder / 'bad_steps').is_dir():
                raise
            return RoundResult(error=_last_sentence(log))
        arch = None if self.network.arch is None else str(self.network.arch)
        trained = str(self.settings.baseline) if arch is None else self.file.final
        options = dict(self.settings.options)
        record = run_record(
            self.network.name, trained, plan, training.done, test.done, options, arch
        )
        if not isfinite(record.score(self.file.metric)):
            metric = self.file.metric
            return RoundResult(error=f'the score {metric} of the held-out images is no number')
        return RoundResult(record)

    def _plan(self) -> Pipeline:
        settings, rounds = replace(self.settings, seed=self.seed), self.file.rounds
        config = finalist_config(self.config, settings, self.network)
        name, iterations = rounds[self.number - 1], self.file.iterations_of(self.number)
        root = Path(config.get('data_root') or self.config.get('data_root') or '.')
        plan = Pipeline(self.folder, root, environment=self.environment, meanwhile=self.meanwhile)
        made = self.folder / f'{name}.py'
        before = None
        if 1 < self.number <= len(self.file.rungs):
            earlier = self.number - 1
            last = f'iter_{self.file.iterations_of(earlier)}.pth'
            before = self.folder / rounds[earlier - 1] / last
        # The schedule is that of a whole training; only its end comes earlier.
        config.train_cfg.max_iters = iterations
        training = plan.add_training(
            name, made, iterations, configs={'config': config}, files={made: 'config'},
            goes_on_from=before,
        )  # fmt: skip
        plan.add_test(
            f'{name}_test', made, training.done, configs={'config': config}, files={made: 'config'},
            arguments=['--norm-statistics', self.file.norm_statistics],
        )  # fmt: skip
        return plan


def one_device(device: str, at_once: int = 1) -> dict[str, str]:
    """Variables with which a command uses what this process has, and no more.

    Args:
        device: of this process: the command sees this GPU alone.
        at_once: commands side by side; on the CPU they divide its cores.
    """
    if not device.startswith('cuda:'):
        if at_once == 1 or os.environ.get('OMP_NUM_THREADS'):
            return {}
        return {'OMP_NUM_THREADS': str(max(1, usable_cores() // at_once))}
    number = int(device.removeprefix('cuda:'))
    visible = [name for name in os.environ.get('CUDA_VISIBLE_DEVICES', '').split(',') if name]
    chosen = visible[number] if number < len(visible) else str(number)
    return {'CUDA_VISIBLE_DEVICES': chosen, 'LOCAL_RANK': '0'}


def _last_sentence(log: Path) -> str:
    """Why a command has ended, as it has said itself."""
    lines = log.read_text(errors='replace').splitlines()
    said = [line.removeprefix('error: ') for line in lines if line.startswith('error: ')]
    return said[-1] if said else f'its loss was no number, see {log}'
