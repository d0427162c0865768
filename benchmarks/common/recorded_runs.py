"""Trainings of a recipe with changes: what is missing is run, each leaves a record in the repository."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmbfbox.artifacts.run_record import RunRecord
from mmbfbox.pipeline.plan import Pipeline
from mmbfbox.pipeline.run import run
from mmbfbox.pipeline.trainings import run_record
from mmbfbox.utils.config import load_config, merge_options
from mmbfbox.utils.data_root import replace_data_root

CHECKOUT = Path(__file__).resolve().parents[2]
TOOLS = CHECKOUT / 'tools'
RECORDS = CHECKOUT / 'benchmarks' / 'records'


@dataclass(frozen=True)
class RecordedRuns:
    """Trains and tests variants of a config, each once.

    Args:
        group: folder of the records below ``benchmarks/records``.
        config: that is varied: a name that the package ships, or a path.
        data: folder in WIDER FACE layout.
        work_dir: where trainings go, a folder for each variant and seed.
    """

    group: str
    config: str
    data: Path
    work_dir: Path

    def record_path(self, name: str, seed: int) -> Path:
        """Where the record of a run is, or will be."""
        return RECORDS / self.group / f'{name}-seed{seed}.json'

    def __call__(self, name: str, seed: int, options: Mapping[str, Any]) -> RunRecord:
        """The record of a run; the run itself where there is none.

        A run that was interrupted goes on. What is in the work dir of another recipe is set aside.

        Args:
            name: of the variant.
            seed: of weights and data order.
            options: of the variant, dotted key to value.

        Raises:
            UserError: an option does not fit the config, or a step fails.
        """
        path = self.record_path(name, seed)
        if path.is_file():
            return RunRecord.read(path)
        plan = Pipeline(self.work_dir / name / f'seed{seed}', self.data)
        config = load_config(self.config)
        merge_options(config, {**options, 'randomness.seed': seed}, f'of {self.config}')
        replace_data_root(config, self.data)
        file = plan.folder / 'config.py'
        settings = dict(configs={'config': config}, files={file: 'config'})
        training = plan.add_training('training', file, config.train_cfg.max_iters, **settings)
        test = plan.add_test('test', file, training.done, **settings)
        run(plan, TOOLS, redo=True, log=plan.folder.parent / f'seed{seed}.log')
        record = run_record(name, self.config, plan, training, test, options)
        record.write(path)
        return record

    def recorded(self, name: str, seeds: Iterable[int]) -> list[RunRecord]:
        """The records of a variant that there are."""
        paths = (self.record_path(name, seed) for seed in seeds)
        return [RunRecord.read(path) for path in paths if path.is_file()]


def mean_and_spread(values: Iterable[float]) -> str:
    """Mean and half of the range in points, like ``48.2 +-0.6``; the value alone where it is one."""
    points = [100 * value for value in values]
    if len(points) < 2:
        return ''.join(f'{value:.1f}' for value in points)
    return f'{statistics.fmean(points):.1f} ±{(max(points) - min(points)) / 2:.1f}'
