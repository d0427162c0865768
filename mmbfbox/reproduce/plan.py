"""From rows to steps: each is one command of the chain, and rows share the steps they have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine import Config

from mmbfbox.errors import UserError
from mmbfbox.pipeline.plan import GROUND_TRUTH, Pipeline
from mmbfbox.pipeline.step import Step
from mmbfbox.reproduce.scales import Scale, derive
from mmbfbox.reproduce.tables import Row
from mmbfbox.utils.data_root import check_layout

FIRST_WINNER = 'export/01/config.py'


class Plan(Pipeline):
    """Collects the steps of rows; each step once, after those that it needs.

    Args:
        scale: how much of the paper's work is done.
        work_dir: where everything goes, the scale's name below it.
        data: folder in WIDER FACE layout; None is the scale's own.
        gpus: processes of each command.

    Attributes:
        like: for each step the config whose cost is its own.
    """

    def __init__(
        self, scale: Scale, work_dir: Path, data: Path | None = None, gpus: int = 1
    ) -> None:
        folder = work_dir / scale.name
        super().__init__(folder, _data_root(scale, folder, data), gpus)
        self.scale = scale
        self.like: dict[str, Config] = {}
        if scale.images:
            train, val = scale.images
            self.add_data('--train', train, '--val', val, '--size', scale.canvas)

    def check_data(self) -> None:
        """Make sure that the data are there, unless a step makes them.

        Raises:
            UserError: a part is missing.
        """
        if not self.scale.images:
            check_layout(self.data_root)
            truth = self.data_root / GROUND_TRUTH[-1]
            if not truth.is_file():
                raise UserError(
                    f'{truth} does not exist; unpack the official evaluation tools of WIDER FACE, so that '
                    f'{truth.parent} holds their four .mat files'
                )

    def row(self, row: Row, seed: int) -> Step:
        """Add what a row needs, and return the test that ends it."""
        if row.searches:
            return self._searched(row, seed)
        return self.network(row.config, seed, row.options)

    def network(self, name: str, seed: int, options: Mapping[str, Any] | None = None) -> Step:
        """Train a config of the paper and test it, level by level as well."""
        return self.test(self.train(name, seed, options), ('--per-level',))

    def train(
        self, name: str, seed: int, options: Mapping[str, Any] | None = None,
        canvas: int | None = None,
    ) -> Step:  # fmt: skip
        """Train a config of the paper; ``canvas`` is another side of the images than the scale's."""
        changes = [*(options or {}).values(), *([f'at_{canvas}'] if canvas else [])]
        settings = self._derive(name, seed, options=options, canvas=canvas)
        return self._train(f'seed{seed}/{_label(name, changes)}', settings)

    def _searched(self, row: Row, seed: int) -> Step:
        supernet = self._train(f'seed{seed}/{row.config}', self._derive(row.config, seed))
        final, final_file = self._derive('final', seed), self._config_file(f'seed{seed}/final')
        before: Step | None = None
        for name in row.searches:
            options = row.options if name == row.searches[-1] else {}
            settings = self._derive(name, seed, options=options)
            settings.final_config = str(final_file)
            frozen = [before.folder / 'best' / '01.json'] if before else []
            if frozen:
                settings.search['freeze'] = dict(backbone=str(frozen[0]))
            label = _label(name, options.values())
            file = self._config_file(f'seed{seed}/{label}')
            before = self.add_search(
                f'seed{seed}/{label}', file, supernet.done, 'export.md', inputs=frozen,
                configs={file.stem: settings, 'final': final},
                files={file: file.stem, final_file: 'final'},
            )  # fmt: skip
            self.like[before.name] = settings
        if before is None:
            raise UserError(f'the row {row.name} names no search')
        name, iterations = f'{before.name}_final', final.train_cfg.max_iters
        trained = self.add_training(name, before.folder / FIRST_WINNER, iterations)
        self.like[name] = Config(dict(final, model=settings.model))
        return self.test(trained)

    def test(self, trained: Step, arguments: Sequence[str] = (), name: str = 'test') -> Step:
        """Add a test of what a training ends with."""
        name = f'{trained.name}/{name}'
        out = ('--out-dir', str(self.folder / name / 'predictions'))
        words = arguments if arguments[:1] == ('--scheme',) else (*out, *arguments)
        self.like[name] = self.like[trained.name]
        return self.add_test(name, Path(trained.reads[0]), trained.done, arguments=words)

    def _train(self, name: str, settings: Config) -> Step:
        file = self._config_file(name)
        self.like[name] = settings
        return self.add_training(
            name, file, settings.train_cfg.max_iters, configs={file.stem: settings},
            files={file: file.stem},
        )  # fmt: skip

    def _derive(self, name: str, seed: int, **changes: Any) -> Config:
        return derive(name, self.scale, self.data_root, seed, gpus=self.gpus, **changes)

    def _config_file(self, name: str) -> Path:
        return self.folder / 'configs' / f'{name}.py'


def _data_root(scale: Scale, folder: Path, data: Path | None) -> Path:
    """Folder of the data of a scale.

    Raises:
        UserError: the scale has its own and another one is given, or it needs one and none is.
    """
    if scale.images:
        if data is not None:
            raise UserError(
                f'the scale {scale.name} makes its own images; leave --data out, or take '
                '--scale mini for a folder in WIDER FACE layout'
            )
        return folder / 'data'
    if data is None and scale.name != 'paper':
        raise UserError(f'the scale {scale.name} needs --data DIR, a folder in WIDER FACE layout')
    return data or Path('data/WIDERFace')


def _label(name: str, values: Any) -> str:
    """Name of a folder and a config file: no dots, which mmengine takes for a suffix."""
    told = [f'{value / 1e6:.0f}M' if isinstance(value, float) else str(value) for value in values]
    return '-'.join([name, *told])
