"""Trainings of a recipe with changes: what is missing is run, each leaves a record in the repository."""

from __future__ import annotations

import copy
import functools
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmengine import Config, ConfigDict

from mmbfbox.artifacts.run_record import RunRecord
from mmbfbox.errors import UserError
from mmbfbox.pipeline.inputs import fingerprint, plain
from mmbfbox.pipeline.plan import Pipeline
from mmbfbox.pipeline.run import run
from mmbfbox.pipeline.step import Step
from mmbfbox.pipeline.trainings import run_record
from mmbfbox.search.finalists.training import stored
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import replace_data_root

CHECKOUT = Path(__file__).resolve().parents[2]
TOOLS = CHECKOUT / 'tools'
RECORDS = CHECKOUT / 'benchmarks' / 'records'

STORED_GIGABYTES = 4
"""Disk space for the crops of one seed."""

AVERAGES = ('EMAHook',)
"""Hooks that decide which weights are tested."""


@dataclass(frozen=True)
class Network:
    """What is trained where the config says only how.

    Attributes:
        model: its config.
        arch: the network as text.
    """

    model: Mapping[str, Any]
    arch: str


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

    def __call__(
        self, name: str, seed: int, options: Mapping[str, Any], network: Network | None = None
    ) -> RunRecord:
        """The record of a run; the run itself where there is none.

        A run that was interrupted goes on. What is in the work dir of another recipe is set aside.

        Args:
            name: of the variant.
            seed: of weights and data order.
            options: of the variant, dotted key to value.
            network: for a config without a model.

        Raises:
            UserError: an option does not fit the config, a step fails, or the record is damaged or one
                of another config.
        """
        path = self.record_path(name, seed)
        if path.is_file():
            return self.read(path, options, network)
        return self.make(path, name, seed, options, network)

    def test_again(
        self, name: str, seed: int, options: Mapping[str, Any], kind: str, arguments: Sequence[str],
        network: Network | None = None,
    ) -> RunRecord:  # fmt: skip
        """The record of the same network, tested in another way; it is called ``<name>-<kind>``.

        Args:
            name: of the variant.
            seed: of its training.
            options: of its training.
            kind: what the test is called.
            arguments: of the test.
            network: as for the variant.

        Raises:
            UserError: as for the variant.
        """
        path = self.record_path(f'{name}-{kind}', seed)
        if path.is_file():
            return self.read(path, options, network)
        return self.make(path, name, seed, options, network, f'test_{kind}', arguments)

    def make(
        self, path: Path, name: str, seed: int, options: Mapping[str, Any],
        network: Network | None = None, test_name: str = 'test', arguments: Sequence[str] = (),
    ) -> RunRecord:  # fmt: skip
        """Train and test, and write the record.

        Args:
            path: of the record, ``<name of the record>-seed<number>.json``.
            name: of the variant.
            seed: of its training.
            options: of the variant.
            network: as for the variant.
            test_name: name of the step that tests.
            arguments: of the test.

        Raises:
            UserError: as for the variant.
        """
        plan, training, _ = self.training(name, seed, options, network)
        settings = dict(configs=training.configs, files=training.files)
        file = plan.folder / 'config.py'
        test = plan.add_test(test_name, file, training.done, arguments=arguments, **settings)
        run(plan, TOOLS, redo=True, log=plan.folder.parent / f'seed{seed}.log')
        made = run_record(
            path.stem.rsplit('-', 1)[0], self.config, plan, training.done, test.done, options,
            network.arch if network else None,
        )  # fmt: skip
        record = replace(made, recipe=self.recipe(options, network))
        record.write(path)
        return record

    def training(
        self, name: str, seed: int, options: Mapping[str, Any], network: Network | None = None
    ) -> tuple[Pipeline, Step, Config]:
        """A training as the only step so far of a pipeline, and its config."""
        plan = Pipeline(self.work_dir / name / f'seed{seed}', self.data)
        config = self._config(options, network, plan)
        set_option(config, 'randomness.seed', seed)
        if not any(key.startswith('train_dataloader') for key in options):
            # Most variants see the same crops.
            loader = config.train_dataloader
            loader.dataset = stored(loader.dataset, self.work_dir / 'crops', STORED_GIGABYTES)
        file = plan.folder / 'config.py'
        step = plan.add_training(
            'training', file, config.train_cfg.max_iters, configs={'config': config},
            files={file: 'config'},
        )  # fmt: skip
        return plan, step, config

    def _config(
        self, options: Mapping[str, Any], network: Network | None, plan: Pipeline
    ) -> Config:
        config = copy.deepcopy(_loaded(self.config))
        if network:
            config.model = ConfigDict(network.model)
        for key, value in options.items():
            set_option(config, key, value)
        replace_data_root(config, plan.data_root)
        return config

    def recipe(self, options: Mapping[str, Any], network: Network | None = None) -> str:
        """Twelve hexadecimal digits of those settings that decide what is trained, how, and its test.

        Where data and results lie, the seed, and what only writes logs or saves time are none of them.
        """
        plan = Pipeline(self.work_dir, self.data)
        config = self._config(options, network, plan).to_dict()
        loader = config['train_dataloader']
        settings = dict(
            model=config['model'],
            training=[config[key] for key in ('optim_wrapper', 'param_scheduler')],
            iterations=config['train_cfg']['max_iters'],
            data=[loader['batch_size'], loader['dataset'], config['test_dataloader']['dataset']],
            averages=[hook for hook in config['custom_hooks'] if hook['type'] in AVERAGES],
        )
        return fingerprint(plain(settings, plan))

    def read(
        self, path: Path, options: Mapping[str, Any], network: Network | None = None
    ) -> RunRecord:
        """Read a record.

        Raises:
            UserError: it is damaged, or was made by another config than today's.
        """
        record, now = RunRecord.read(path), self.recipe(options, network)
        # The first records do not name their recipe.
        if record.recipe not in (None, now):
            raise UserError(
                f'{path} is the record of a training by other settings (their hash is '
                f'{record.recipe}, that of {self.config} is {now}); remove it, and the same command '
                'makes it anew'
            )
        return record

    def recorded(self, name: str, seeds: Iterable[int]) -> list[RunRecord]:
        """The records of a variant that there are."""
        paths = (self.record_path(name, seed) for seed in seeds)
        return [RunRecord.read(path) for path in paths if path.is_file()]


@functools.cache
def _loaded(config: str) -> Config:
    """A config, read once; it is not to be changed."""
    return load_config(config)


def set_option(config: Config, key: str, value: Any) -> None:
    """Change a config by a dotted key; the parts of a list go by their ``type``.

    A dictionary is merged into the one that is there, or replaces it (``_delete_=True``); one for a part
    that a list does not have is appended to it.

    Raises:
        UserError: the config has no such key.

    Example:
        >>> config = Config(dict(steps=[dict(type='Pad', size=1)], model=dict(width=2)))
        >>> set_option(config, 'steps.Pad.size', 3)
        >>> set_option(config, 'model', dict(depth=4))
        >>> config.steps[0].size, config.model
        (3, {'width': 2, 'depth': 4})
    """
    *path, last = key.split('.')
    place: Any = config
    for part in path:
        place = _part(place, part, key)
    if isinstance(place, list):
        place.append(ConfigDict({'type': last, **value}))
        return
    if isinstance(value, Mapping):
        given = dict(value)
        before = {} if given.pop('_delete_', False) else dict(place.get(last) or {})
        value = ConfigDict({**before, **given})
    place[last] = value


def _part(place: Any, part: str, key: str) -> Any:
    if isinstance(place, list):
        found = next((item for item in place if item.get('type') == part), None)
    else:
        found = place.get(part)
    if found is None:
        raise UserError(f'the config has no {part!r} of {key}; give the name of a key or of a step')
    return found


def mean_and_spread(values: Iterable[float]) -> str:
    """Mean and half of the range in points, like ``48.2 +-0.6``; the value alone where it is one."""
    points = [100 * value for value in values]
    if len(points) < 2:
        return ''.join(f'{value:.1f}' for value in points)
    return f'{statistics.fmean(points):.1f} ±{(max(points) - min(points)) / 2:.1f}'
