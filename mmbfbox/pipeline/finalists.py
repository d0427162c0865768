"""Training the finalists of a search: round by round, the trainings of each shared among processes."""

from __future__ import annotations

import gc
import shutil
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine import Config

from mmbfbox.artifacts.finalists import (
    FINALISTS_FILE,
    FINALISTS_FOLDER,
    FinalistsFile,
    result_file,
)
from mmbfbox.errors import UserError
from mmbfbox.pipeline.finalist_training import FinalistTraining, one_device
from mmbfbox.pipeline.side_by_side import Turn, side_by_side
from mmbfbox.search.config import PreparedSearch
from mmbfbox.search.distributed import PATIENCE, Processes
from mmbfbox.search.finalists.choosing import choose_finalists
from mmbfbox.search.finalists.settings import FinalistSettings
from mmbfbox.search.finalists.standings import Standings
from mmbfbox.search.finalists.training import crops_folder
from mmbfbox.search.finalists.winner import write_trained
from mmbfbox.search.report import BEST, write_report
from mmbfbox.search.report.finalists import finalists_table
from mmbfbox.search.storage.waiting import wait_until_seen
from mmbfbox.utils.files import atomic_write

TABLE = 'finalists.md'
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
    folder = write_trained(config, settings, standings, space)
    shutil.rmtree(crops_folder(config), ignore_errors=True)
    page = write_report(work_dir, search.supernet, max(BEST, config.search.best))
    table = finalists_table(standings)
    with atomic_write(work_dir / TABLE) as path:  # last: it says that all is there
        path.write_text(table + '\n')
    print(f'\n{table}\n\nwrote {work_dir / TABLE}, {folder / "config.py"}, {page}')
    return folder


@dataclass(frozen=True)
class FinalistTrainer:
    """Trains finalists round by round; what is there is not trained again.

    Results of other processes are read from the work dir.

    Args:
        config: of the search, with its ``work_dir``.
        settings: of its finalists.
        processes: share the trainings; each takes the next network of a round.
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
            UserError: a command fails for a reason that is not its network's, no network is left after
                a round, or another process's results are needed and do not come.
        """
        standings, names = self._read(lambda standings: True), list[str]()
        for number, of_round in enumerate(standings.file.rounds, 1):
            if number > 1:
                # Who goes on depends on the results of all processes.
                self.processes.meet(of_round)
                standings = self._wait_for(number - 1, names)
            names = standings.names_of(number)
            self._check_left(standings, number, names)
            self._train_round(standings.file, number, names)
        if not self.processes.last('finalists'):
            return None
        standings = self._wait_for(number, names)
        self._check_left(standings, number + 1, [standings.winner] if standings.winner else [])
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

    def _wait_for(self, number: int, names: Collection[str]) -> Standings:
        return self._read(
            lambda standings: (
                len(standings.results) >= number
                and set(names) <= set(standings.results[number - 1])
            )
        )

    def _check_left(self, standings: Standings, number: int, left: Sequence[object]) -> None:
        if not left:
            lost, of_round = standings.results[number - 2], standings.file.rounds[number - 2]
            name, result = next((n, r) for n, r in lost.items() if r.error)
            raise UserError(
                f'{of_round} has no survivors: all {len(lost)} trainings were lost, {name} because '
                f'{result.error}; train them with a lower learning rate, and move '
                f'{self.work_dir / FINALISTS_FOLDER} away'
            )

    def _train_round(self, file: FinalistsFile, number: int, names: Sequence[str]) -> None:
        """Train those networks of a round that no other process takes."""

        def train_next(turn: Turn) -> bool:
            place = self.processes.draw(f'finalists of {file.rounds[number - 1]}')
            if place >= len(names):
                return False
            self._train(file, number, names, names[place], turn)
            return True

        side_by_side(train_next, self.settings.at_once)

    def _train(
        self, file: FinalistsFile, number: int, names: Sequence[str], name: str, turn: Turn
    ) -> None:
        """Train one network to the end of a round and score it, unless that has been done.

        Args:
            file: what is trained.
            number: of the round, counted from 1.
            names: of the networks in the round.
            name: of this one.
            turn: is given away while a command runs.
        """
        of_round = file.rounds[number - 1]
        path = result_file(self.work_dir, name, of_round)
        if path.exists():
            return
        start = time.perf_counter()
        environment = one_device(self.device, self.settings.at_once)
        training = FinalistTraining(
            self.config, self.settings, file, file[name], number, environment, turn.away
        )
        result = training(self.tools)
        result.write(path)
        told = f'lost: {result.error}'
        if result.record:
            score = 100 * result.record.score(file.metric)
            told = f'{file.metric} AP {score:.2f}, loss {result.record.loss:.3f}'
        minutes = (time.perf_counter() - start) / 60
        done = sum(result_file(self.work_dir, one, of_round).exists() for one in names)
        share = file.steps_left(number, done) / file.steps_of(number)
        share /= self.processes.size * self.settings.at_once
        self.say(
            f'{of_round} ({file.iterations_of(number)} iterations, seed {training.seed}): {name}, {told} '
            f'({minutes:.1f} min, about {minutes * share:.0f} min left)'
        )


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
