"""Training the finalists of a search: each rung of each network as steps, shared among processes."""

from __future__ import annotations

import gc
import os
import shutil
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import torch
from mmengine import Config

from mmbfbox.artifacts.finalists import (
    FINALISTS_FILE,
    FINALISTS_FOLDER,
    Finalist,
    FinalistsFile,
    RungResult,
    network_folder,
    rung_file,
)
from mmbfbox.errors import UserError
from mmbfbox.pipeline.plan import Pipeline
from mmbfbox.pipeline.run import StepFailedError, run
from mmbfbox.pipeline.step import Step
from mmbfbox.pipeline.trainings import run_record
from mmbfbox.search.config import PreparedSearch
from mmbfbox.search.distributed import PATIENCE, Processes
from mmbfbox.search.finalists.choosing import choose_finalists
from mmbfbox.search.finalists.settings import FinalistSettings
from mmbfbox.search.finalists.standings import Standings
from mmbfbox.search.finalists.training import crops_folder, finalist_config
from mmbfbox.search.finalists.winner import write_winner
from mmbfbox.search.report import BEST, write_report
from mmbfbox.search.report.finalists import finalists_table
from mmbfbox.search.storage.waiting import wait_until_seen
from mmbfbox.utils.files import atomic_write

LOG, TABLE = 'log.txt', 'finalists.md'
_SAME = ('rungs', 'metric', 'training', 'norm_statistics')
"""What must be the same for results to be compared; who is trained and how many go on may change."""


def train_finalists(
    search: PreparedSearch, settings: FinalistSettings, processes: Processes, tools: Path
) -> Path | None:
    """Choose the finalists of a finished search, train them, and write what came of it.

    Args:
        search: all of its processes have come to the end; its scorer is given up.
        settings: of the finalists.
        processes: share the trainings, and surround search and trainings by ``working()``.
        tools: folder of the command lines.

    Returns:
        The folder of the winner; None on a process that others outlast.

    Raises:
        UserError: see :func:`~mmbfbox.search.finalists.choosing.choose_finalists` and
            :class:`FinalistTrainer`.
    """
    config, device, space = search.config, search.device, search.space
    processes.meet('finalists')
    trainer = FinalistTrainer(config, settings, processes, tools, device)
    trainer.begin(lambda: choose_finalists(search, search.loop.ranked(), settings))
    search.loop.release()
    gc.collect()
    if device.startswith('cuda'):
        torch.cuda.empty_cache()  # for the trainings
    standings = trainer()
    if standings is None:
        return None
    work_dir = Path(config.work_dir)
    folder = write_winner(config, settings, standings, space)
    shutil.rmtree(crops_folder(config), ignore_errors=True)
    table = finalists_table(standings)
    with atomic_write(work_dir / TABLE) as path:
        path.write_text(table + '\n')
    page = write_report(work_dir, search.supernet, max(BEST, config.search.best))
    print(f'\n{table}\n\nwrote {work_dir / TABLE}, {folder / "config.py"}, {page}')
    return folder


@dataclass(frozen=True)
class FinalistTrainer:
    """Trains finalists up to each rung; what is there is not trained again.

    Every training and its test is a command of its own, so that one which breaks takes nobody with it, and
    goes on from its last checkpoint after whatever has stopped it. Results of other processes are read from
    the work dir.

    Args:
        config: of the search, with its ``work_dir``.
        settings: of its finalists.
        processes: share the trainings; each takes the next network of a rung.
        tools: folder of the command lines.
        device: of this process, like ``'cuda:1'``.
        say: is told about each training.
    """

    config: Config
    settings: FinalistSettings
    processes: Processes
    tools: Path
    device: str = 'cpu'
    say: Callable[[str], None] = print

    @property
    def work_dir(self) -> Path:
        """Of the search."""
        return Path(self.config.work_dir)

    def begin(self, choose: Callable[[], FinalistsFile]) -> None:
        """Let process 0 choose the networks and write them down; the others wait for it.

        Args:
            choose: makes the list.

        Raises:
            UserError: the list cannot be made, or the work dir has results of other trainings.
        """
        self.processes.first('finalists', lambda: claim(self.work_dir, choose()))

    def __call__(self) -> Standings | None:
        """Train.

        Returns:
            All results; None on a process that others outlast.

        Raises:
            UserError: a command fails for a reason that is not its network's, no network is left at a
                rung, or another process's results are needed and do not come.
        """
        standings, names = self._read(lambda standings: True), list[str]()
        for rung in range(1, len(standings.file.rungs) + 1):
            if rung > 1:
                # Who goes on depends on the results of all processes.
                self.processes.meet(f'rung {rung}')
                standings = self._wait_for(rung - 1, names)
            names = standings.names_of(rung)
            self._check_left(standings, rung, names)
            while (number := self.processes.draw(f'finalists of rung {rung}')) < len(names):
                self._train(standings.file, rung, names[number])
        if not self.processes.last('finalists'):
            return None
        standings = self._wait_for(rung, names)
        self._check_left(standings, rung + 1, [standings.winner] if standings.winner else [])
        return standings

    def _read(self, complete: Callable[[Standings], bool]) -> Standings:
        """The results, as soon as a shared folder shows those of other machines."""
        seen: list[Standings] = []

        def missing() -> int:
            standings = Standings.read(self.work_dir)
            seen[:] = [standings] if standings is not None and complete(standings) else []
            return 1 - len(seen)

        patience = PATIENCE if self.processes.size > 1 else 0
        wait_until_seen(missing, self.work_dir / FINALISTS_FOLDER, patience)
        return seen[0]

    def _wait_for(self, rung: int, names: Collection[str]) -> Standings:
        return self._read(
            lambda standings: (
                len(standings.results) >= rung and set(names) <= set(standings.results[rung - 1])
            )
        )

    def _check_left(self, standings: Standings, rung: int, left: Sequence[object]) -> None:
        if not left:
            lost = standings.results[rung - 2]
            name, result = next((n, r) for n, r in lost.items() if r.error)
            raise UserError(
                f'rung {rung - 1} has no survivors: all {len(lost)} trainings were lost, {name} because '
                f'{result.error}; train them with a lower learning rate, and move '
                f'{self.work_dir / FINALISTS_FOLDER} away'
            )

    def _train(self, file: FinalistsFile, rung: int, name: str) -> None:
        """Train one network up to a rung and score it, unless that has been done."""
        path = rung_file(self.work_dir, name, rung)
        if path.exists():
            return
        start = time.perf_counter()
        network, iterations = file[name], file.rungs[rung - 1]
        plan = self._plan(file, network, rung)
        training, test = list(plan.steps.values())
        try:
            run(plan, self.tools, redo=True, log=plan.folder / LOG)
        except StepFailedError as error:
            if error.step is not training or not (training.folder / 'bad_steps').is_dir():
                raise
            result = RungResult(error=_last_sentence(plan.folder / LOG))
        else:
            result = self._result(file, network, plan, training, test)
        result.write(path)
        told = f'lost: {result.error}'
        if result.record:
            score = 100 * result.record.scores[file.metric]
            told = f'{file.metric} AP {score:.2f}, loss {result.record.loss:.3f}'
        minutes = (time.perf_counter() - start) / 60
        self.say(
            f'rung {rung} of {len(file.rungs)} ({iterations} iterations): {name}, {told} '
            f'({minutes:.1f} min)'
        )

    def _plan(self, file: FinalistsFile, network: Finalist, rung: int) -> Pipeline:
        """Training from the rung before to this one, and its test."""
        config = finalist_config(self.config, self.settings, network)
        folder, iterations = network_folder(self.work_dir, network.name), file.rungs[rung - 1]
        root = Path(config.get('data_root') or self.config.get('data_root') or '.')
        plan = Pipeline(folder, root, environment=one_device(self.device))
        made = folder / f'rung{rung}.py'
        before = None
        if rung > 1:
            before = folder / f'rung{rung - 1}' / f'iter_{file.rungs[rung - 2]}.pth'
        # The schedule is that of a whole training; only its end comes earlier.
        config.train_cfg.max_iters = iterations
        training = plan.add_training(
            f'rung{rung}', made, iterations, configs={'config': config}, files={made: 'config'},
            goes_on_from=before,
        )  # fmt: skip
        plan.add_test(
            f'rung{rung}_test', made, training.done, configs={'config': config}, files={made: 'config'},
            arguments=['--norm-statistics', file.norm_statistics],
        )  # fmt: skip
        return plan

    def _result(
        self, file: FinalistsFile, network: Finalist, plan: Pipeline, training: Step, test: Step
    ) -> RungResult:
        arch = None if network.arch is None else str(network.arch)
        trained = str(self.settings.baseline) if network.arch is None else file.final
        options = dict(self.settings.options)
        record = run_record(network.name, trained, plan, training, test, options, arch)
        if not isfinite(record.scores.get(file.metric, float('nan'))):
            return RungResult(error=f'the score {file.metric} of the held-out images is no number')
        return RungResult(record)


def claim(work_dir: Path, file: FinalistsFile) -> None:
    """Write the list of finalists, or make sure that results which are there can be compared with them.

    Raises:
        UserError: they cannot.
    """
    path = work_dir / FINALISTS_FOLDER / FINALISTS_FILE
    if path.exists():
        earlier = FinalistsFile.read(path)
        different = [
            f'{key} (there {getattr(earlier, key)!r}, here {getattr(file, key)!r})'
            for key in _SAME
            if getattr(earlier, key) != getattr(file, key)
        ]
        if different:
            raise UserError(
                f'{path.parent} holds finalists that were trained otherwise: {"; ".join(different)}; '
                f'move the folder away, or choose another work dir'
            )
    file.write(path)


def one_device(device: str) -> dict[str, str]:
    """What makes a command use the GPU of this process alone; nothing on the CPU."""
    if not device.startswith('cuda:'):
        return {}
    number = int(device.removeprefix('cuda:'))
    visible = [name for name in os.environ.get('CUDA_VISIBLE_DEVICES', '').split(',') if name]
    chosen = visible[number] if number < len(visible) else str(number)
    return {'CUDA_VISIBLE_DEVICES': chosen, 'LOCAL_RANK': '0'}


def _last_sentence(log: Path) -> str:
    """Why a command has ended, as it has said itself."""
    lines = log.read_text(errors='replace').splitlines()
    said = [line.removeprefix('error: ') for line in lines if line.startswith('error: ')]
    return said[-1] if said else f'its loss was no number, see {log}'
