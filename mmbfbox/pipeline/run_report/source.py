"""A training as the pages show it: from its work dir, or from a record."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.artifacts.run_record import RunRecord
from mmbfbox.artifacts.step_record import StepRecord
from mmbfbox.artifacts.supernet_check import CHECK_FILE, SupernetCheck
from mmbfbox.artifacts.training_record import TrainingRecord
from mmbfbox.errors import UserError
from mmbfbox.pipeline.run_report.scalars import Points, read_scalars
from mmbfbox.utils.config import config_from_text
from mmbfbox.utils.text import read_text

HOW = frozenset({'work_dir', 'resume', 'launcher', 'load_from', 'experiment_name'})
"""Keys of a config that say where and how a training ran, not which one it was."""

FACTS = (
    ('data', 'data_root'),
    ('annotations', 'train_dataloader.dataset.ann_file'),
    ('images a step', 'train_dataloader.batch_size'),
    ('optimizer', 'optim_wrapper.optimizer.type'),
    ('learning rate', 'optim_wrapper.optimizer.lr'),
)
"""Keys of a config that say the most about a training, and what they are called."""


@dataclass(frozen=True)
class Run:
    """A training, and what is known of its test.

    Attributes:
        name: of its folder or record.
        curves: of its log, see :class:`~mmbfbox.pipeline.run_report.scalars.Logged`.
        validation: AP in % over the iterations, by name.
        scores: of its test, AP in %, by name.
        levels: the same of each pyramid level alone.
        subnets: of a supernet: name and AP in % of the subnets that were scored at its end.
        iterations: that were trained.
        seconds: that these took; None if that is not known.
        facts: what it was made from and how it was tested, pairs of a name and a text.
        settings: of its config, dotted key to a text.
        config: its text; '' if that is not known.
    """

    name: str
    curves: dict[str, Points]
    validation: dict[str, Points]
    scores: dict[str, float]
    levels: dict[str, dict[str, float]]
    subnets: list[tuple[str, dict[str, float]]]
    iterations: int
    seconds: float | None
    facts: list[tuple[str, str]]
    settings: dict[str, str] = field(default_factory=dict)
    config: str = ''

    def to_plain(self) -> dict[str, Any]:
        """As plain values, as the page's script reads them."""
        return asdict(self)


def read_run(path: str | Path, test: str | Path | None = None) -> Run:
    """Read a training.

    Args:
        path: work dir of ``tools/train.py``, also of a training that still runs, or the JSON file of a
            :class:`~mmbfbox.artifacts.run_record.RunRecord`.
        test: work dir of ``tools/test.py``. By default that of the training, the folder beside it whose
            name ends with ``_test``, as pipelines lay them out, or ``test`` in it.

    Raises:
        UserError: there is no training, or a record is damaged or of a newer version.
    """
    path = Path(path)
    if path.is_file():
        return _of_record(RunRecord.read(path))
    if not path.is_dir():
        raise UserError(f'there is no {path}; give the work dir of a training, or a record of one')
    return _of_folder(path, test_folder(path, test))


def test_folder(path: Path, test: str | Path | None = None) -> Path | None:
    """Where the results of a run's test are; None if it has none.

    Raises:
        UserError: the folder that is given has none.
    """
    usual = [path, path.with_name(f'{path.name}_test'), path / 'test']
    places = [Path(test)] if test else usual
    found = [place for place in places if (place / 'metrics.json').is_file()]
    if test and not found:
        raise UserError(f'{test} has no metrics.json; give the work dir of tools/test.py')
    return found[0] if found else None


test_folder.__test__ = False  # type: ignore[attr-defined]  # pytest takes it for a test


def _of_record(record: RunRecord) -> Run:
    facts = [('config', record.config), ('training images seen', f'{record.crops:,}')]
    if record.arch:
        facts.append(('architecture', record.arch))
    return Run(
        name=record.name,
        curves={'loss': record.curve},
        validation={},
        scores=_percent(record.scores),
        levels={},
        subnets=[],
        iterations=record.training.iterations,
        seconds=record.training.seconds,
        facts=[*facts, *_facts_of(record.training)],
        settings={key: str(value) for key, value in record.options.items()},
    )


def _of_folder(path: Path, test: Path | None) -> Run:
    text = _config_text(path)
    settings = _settings(text, path)
    interval, end = (
        _whole(settings.get(f'train_cfg.{key}')) for key in ('val_interval', 'max_iters')
    )
    logged = read_scalars(path, interval or 1, end)
    record = _read(TrainingRecord, path / 'training.json')
    if not logged.curves and record is None:
        raise UserError(
            f'{path} holds no training: neither */vis_data/scalars.json nor training.json is there; give '
            'the work dir of tools/train.py after its first log, or the record of a run'
        )
    metrics = None if test is None else Metrics.read(test / 'metrics.json')
    check = _read(SupernetCheck, path / CHECK_FILE)
    step = _read(StepRecord, path / 'step.json')
    facts = [('command', step.command)] if step else []
    facts += [(name, settings[key]) for name, key in FACTS if key in settings]
    facts += _facts_of(record) if record else [('seed', settings.get('randomness.seed', '–'))]
    if metrics and metrics.settings:
        facts.append(('tested at', str(metrics.settings)))
    return Run(
        name=path.resolve().name,
        curves=logged.curves,
        validation={
            name.rpartition('/')[2]: [[at, round(100 * value, 3)] for at, value in points]
            for name, points in logged.validation.items()
        },
        scores=_percent(metrics.short_scores()) if metrics else {},
        levels={name: _percent(_short(rows)) for name, rows in metrics.levels.items()}
        if metrics
        else {},
        subnets=[(one.name, _percent(one.scores)) for one in check.subnets] if check else [],
        iterations=record.iterations if record else logged.iterations,
        seconds=record.seconds if record else logged.seconds or None,
        facts=facts,
        settings=settings,
        config=text,
    )


def _read(kind: Any, path: Path) -> Any:
    return kind.read(path) if path.is_file() else None


def _facts_of(record: TrainingRecord) -> list[tuple[str, str]]:
    facts = asdict(record)
    seed, commit = facts['seed'], facts['commit']
    return [
        ('seed', 'not noted' if seed is None else str(seed)),
        ('config hash', record.config_hash),
        ('device', record.device),
        ('mmbfbox', record.version + (f', commit {commit[:12]}' if commit else '')),
        ('torch', record.torch),
    ]


def _short(scores: Mapping[str, float]) -> dict[str, float]:
    return {name.rpartition('/')[2]: value for name, value in scores.items()}


def _percent(scores: Mapping[str, float]) -> dict[str, float]:
    """AP of the subsets that have faces; counts and others are left out."""
    return {
        name: round(100 * value, 3)
        for name, value in scores.items()
        if math.isfinite(value) and 0 <= value <= 1
    }


def _config_text(path: Path) -> str:
    """What mmengine has saved of the config of the last start that logged, which a test does not."""
    logs = sorted(path.glob('*/vis_data/scalars.json'))
    config = logs[-1].with_name('config.py') if logs else None
    return read_text(config) if config and config.is_file() else ''


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _settings(text: str, path: Path) -> dict[str, str]:
    try:
        config = config_from_text(text, str(path)).to_dict()
    except UserError:  # a config of others, with more than settings: its text is shown all the same
        return {}
    kept = {key: value for key, value in config.items() if key not in HOW}
    return {key: str(value) for key, value in _flat(kept, '')}


def _flat(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, (Mapping, list, tuple)) and value:
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, item in items:
            yield from _flat(item, f'{prefix}.{key}' if prefix else str(key))
    else:
        yield prefix, value
