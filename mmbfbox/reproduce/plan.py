"""From rows to steps: each is one command of the chain, and rows share the steps they have in common."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine import Config

from mmbfbox.errors import UserError
from mmbfbox.reproduce.scales import Scale, derive
from mmbfbox.reproduce.tables import Row
from mmbfbox.utils.data_root import check_layout

ANNOTATIONS = 'wider_face_split/wider_face_{}_bbx_gt.txt'
FIRST_WINNER = 'export/01/config.py'


@dataclass(frozen=True)
class Step:
    """One command.

    Args:
        name: its folder below the work dir, like ``seed0/supernet``.
        tool: ``make_demo_data``, ``train``, ``search`` or ``test``.
        folder: where its results go.
        config: the config file of the command; None for data.
        files: the config files that are written for it, and what they hold.
        like: config whose cost is this step's.
        checkpoint: file of an earlier step that the command reads, after the config.
        done: file that is there when the step is finished.
        arguments: further arguments.
    """

    name: str
    tool: str
    folder: Path
    done: Path
    config: Path | None = None
    files: Mapping[Path, Config] = field(default_factory=dict)
    like: Config | None = None
    checkpoint: Path | None = None
    arguments: tuple[str, ...] = ()

    def command(self, gpus: int = 1) -> list[str]:
        """The command line, from the name of the script on.

        Args:
            gpus: processes of a training, search or test.
        """
        if self.config is None:
            return [f'{self.tool}.py', *self.arguments]
        inputs = [str(self.config), *([str(self.checkpoint)] if self.checkpoint else [])]
        script = f'dist_{self.tool}.sh' if gpus > 1 else f'{self.tool}.py'
        inputs += [str(gpus)] if gpus > 1 else []
        resumed = self.tool == 'train' and (self.folder / 'last_checkpoint').exists()
        resume = ['--resume'] if resumed else []
        return [script, *inputs, '--work-dir', str(self.folder), *resume, *self.arguments]


def readable_command(step: Step, gpus: int = 1) -> str:
    """The command as a reader types it in the checkout."""
    script, *arguments = step.command(gpus)
    return ' '.join(
        ['' if gpus > 1 and step.config else 'python', f'tools/{script}', *arguments]
    ).strip()


def full_command(step: Step, tools: Path, gpus: int = 1) -> list[str]:
    """The command for this interpreter.

    Args:
        step: the step.
        tools: folder of the command lines.
        gpus: processes.
    """
    script, *arguments = step.command(gpus)
    return ['bash' if script.endswith('.sh') else sys.executable, str(tools / script), *arguments]


@dataclass
class Plan:
    """Collects the steps of rows; each step once, after those that it needs.

    Args:
        scale: how much of the paper's work is done.
        work_dir: where everything goes, the scale's name below it.
        data: folder in WIDER FACE layout; None is the scale's own.
        gpus: processes of each command.
    """

    scale: Scale
    work_dir: Path
    data: Path | None = None
    gpus: int = 1
    steps: dict[str, Step] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder = self.work_dir / self.scale.name
        if self.scale.images:
            if self.data is not None:
                raise UserError(
                    f'the scale {self.scale.name} makes its own images; leave --data out, or take '
                    '--scale mini for a folder in WIDER FACE layout'
                )
            self.data = self.folder / 'data'
            self._make_data(*self.scale.images)
        elif self.data is None:
            if self.scale.name != 'paper':
                raise UserError(
                    f'the scale {self.scale.name} needs --data DIR, a folder in WIDER FACE layout'
                )
            self.data = Path('data/WIDERFace')

    def _make_data(self, train: int, val: int) -> None:
        folder = self.folder / 'data'
        arguments = ('--out', folder, '--train', train, '--val', val, '--size', self.scale.canvas)
        done = folder / 'ground_truth' / 'wider_hard_val.mat'
        self._add(
            Step('data', 'make_demo_data', folder, done, arguments=tuple(map(str, arguments)))
        )

    def check_data(self) -> None:
        """Make sure that the data are there, unless a step makes them.

        Raises:
            UserError: a part is missing.
        """
        if not self.scale.images:
            check_layout(self.data_root)
            truth = self.data_root / 'ground_truth' / 'wider_hard_val.mat'
            if not truth.is_file():
                raise UserError(
                    f'{truth} does not exist; unpack the official evaluation tools of WIDER FACE, so that '
                    f'{truth.parent} holds their four .mat files'
                )

    @property
    def data_root(self) -> Path:
        """Folder of the data."""
        if self.data is None:  # __post_init__ sets it
            raise UserError('there is no data folder; give one with --data')
        return self.data

    def row(self, row: Row, seed: int) -> Step:
        """Add what a row needs, and return the test that ends it."""
        if row.searches:
            return self._searched(row, seed)
        return self.network(row.config, seed, row.options)

    def network(self, name: str, seed: int, options: Mapping[str, Any] | None = None) -> Step:
        """Train a config of the paper and test it, level by level as well."""
        return self.test(*self.train(name, seed, options), ('--per-level',))

    def train(
        self, name: str, seed: int, options: Mapping[str, Any] | None = None,
        canvas: int | None = None,
    ) -> tuple[Step, Config]:  # fmt: skip
        """Train a config of the paper; ``canvas`` is another side of the images than the scale's."""
        changes = [*(options or {}).values(), *([f'at_{canvas}'] if canvas else [])]
        settings = self._derive(name, seed, options=options, canvas=canvas)
        return self._train(f'seed{seed}/{_label(name, changes)}', settings), settings

    def _searched(self, row: Row, seed: int) -> Step:
        supernet = self._train(f'seed{seed}/{row.config}', self._derive(row.config, seed))
        final, final_file = self._derive('final', seed), self._config_file(f'seed{seed}/final')
        before: Step | None = None
        for name in row.searches:
            options = row.options if name == row.searches[-1] else {}
            settings = self._derive(name, seed, options=options)
            settings.final_config = str(final_file)
            if before:
                settings.search['freeze'] = dict(backbone=str(before.folder / 'best' / '01.json'))
            before = self._add(
                self._step(
                    f'seed{seed}/{_label(name, options.values())}', 'search', settings, 'export.md',
                    checkpoint=supernet.done, also={final_file: final},
                )
            )  # fmt: skip
        if before is None:
            raise UserError(f'the row {row.name} names no search')
        like = Config(dict(final, model=settings.model))
        name, config = f'{before.name}_final', before.folder / FIRST_WINNER
        folder = self.folder / name
        trained = self._add(Step(name, 'train', folder, folder / _last(final), config, like=like))
        return self.test(trained, like)

    def test(
        self, trained: Step, like: Config, arguments: Sequence[str] = (), name: str = 'test'
    ) -> Step:
        """Add a test of what a training ends with."""
        folder = trained.folder / name
        out = () if arguments[:1] == ('--scheme',) else ('--out-dir', str(folder / 'predictions'))
        return self._add(
            Step(
                f'{trained.name}/{name}', 'test', folder, folder / 'metrics.json', trained.config,
                like=like, checkpoint=trained.done, arguments=(*out, *arguments),
            )
        )  # fmt: skip

    def _train(self, name: str, settings: Config) -> Step:
        return self._add(self._step(name, 'train', settings, _last(settings)))

    def _derive(self, name: str, seed: int, **changes: Any) -> Config:
        return derive(name, self.scale, self.data_root, seed, gpus=self.gpus, **changes)

    def _config_file(self, name: str) -> Path:
        return self.folder / 'configs' / f'{name}.py'

    def _step(
        self, name: str, tool: str, settings: Config, done: str, checkpoint: Path | None = None,
        also: Mapping[Path, Config] | None = None,
    ) -> Step:  # fmt: skip
        folder, file = self.folder / name, self._config_file(name)
        files = {file: settings, **(also or {})}
        return Step(name, tool, folder, folder / done, file, files, settings, checkpoint)

    def _add(self, step: Step) -> Step:
        return self.steps.setdefault(step.name, step)


def _label(name: str, values: Any) -> str:
    """Name of a folder and a config file: no dots, which mmengine takes for a suffix."""
    told = [f'{value / 1e6:.0f}M' if isinstance(value, float) else str(value) for value in values]
    return '-'.join([name, *told])


def _last(settings: Config) -> str:
    return f'iter_{settings.train_cfg.max_iters}.pth'
