"""The record of a training, from what its last checkpoint knows."""

from __future__ import annotations

import math
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from mmengine import Config

from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.artifacts.run_record import RunRecord
from mmbfbox.artifacts.training_record import TrainingRecord
from mmbfbox.engine import load_checkpoint_file
from mmbfbox.engine.cpu_threads import training_threads
from mmbfbox.pipeline.inputs import fingerprint, plain
from mmbfbox.pipeline.plan import Pipeline
from mmbfbox.pipeline.step import Step
from mmbfbox.utils.config import config_from_text
from mmbfbox.version import __version__

TRAINING_RECORD = 'training.json'
LAST = 10
"""Iterations that a final loss is the mean of."""

POINTS = 40
"""Of a curve that is kept."""

HOW = ('work_dir', 'resume', 'launcher')
"""Keys of a config that say where and how a training ran, not which one it was."""


def write_training_record(step: Step, pipeline: Pipeline) -> None:
    """Write the record of a training that has ended.

    Raises:
        UserError: its checkpoint cannot be read, or the disk is full.
    """
    training_record(step.done, pipeline).write(step.folder / TRAINING_RECORD)


def training_record(checkpoint: Path, pipeline: Pipeline) -> TrainingRecord:
    """The record of the training that a checkpoint ends.

    Its device is that of this process, which started the training.

    Args:
        checkpoint: as ``tools/train.py`` writes it.
        pipeline: whose folders are left out of the hash.

    Raises:
        UserError: the checkpoint cannot be read.
    """
    content = load_checkpoint_file(checkpoint)
    meta = content['meta']
    trained = config_from_text(meta['cfg'], str(checkpoint))
    config = trained.to_dict()
    logs = content.get('message_hub', {}).get('log_scalars', {})
    values = {name.removeprefix('train/'): log.data[0].tolist() for name, log in logs.items()}
    settings = {key: value for key, value in config.items() if key not in HOW}
    return TrainingRecord(
        config_hash=fingerprint(plain(settings, pipeline)),
        seed=meta.get('seed'),
        iterations=meta['iter'],
        seconds=round(sum(values.get('time', [])), 1),
        losses=_final_losses(values),
        version=__version__,
        torch=torch.__version__,
        device=_device(trained),
        commit=_commit(),
    )


def run_record(
    name: str,
    config: str,
    pipeline: Pipeline,
    checkpoint: Path,
    metrics: Path,
    options: Mapping[str, Any] | None = None,
    arch: str | None = None,
) -> RunRecord:
    """The record of a training that has ended, and of its test.

    Args:
        name: what the record is called.
        config: that was trained, as the package ships it.
        pipeline: of both steps.
        checkpoint: the training's last one.
        metrics: the ``metrics.json`` of its test.
        options: what was changed in the config.
        arch: of a searched network.

    Raises:
        UserError: a file cannot be read.
    """
    record = _record_beside(checkpoint, pipeline)
    content = load_checkpoint_file(checkpoint)
    batch = config_from_text(content['meta']['cfg'], str(checkpoint)).train_dataloader.batch_size
    losses = content['message_hub']['log_scalars']['train/loss'].data[0].tolist()
    fifth = losses[-max(len(losses) // 5, 1) :]
    scores = Metrics.read(metrics).short_scores()
    return RunRecord(
        name=name,
        config=config,
        training=record,
        crops=record.iterations * batch,
        curve=_thinned(losses),
        loss=round(sum(fifth) / len(fifth), 5),
        scores={key: round(value, 5) for key, value in scores.items()},
        options=dict(options or {}),
        arch=arch,
    )


def _record_beside(checkpoint: Path, pipeline: Pipeline) -> TrainingRecord:
    """The record of a training; one that was written where it ran knows its device."""
    record, path = training_record(checkpoint, pipeline), checkpoint.parent / TRAINING_RECORD
    if not path.is_file():
        return record
    written = TrainingRecord.read(path)
    # The hash is today's: data may lie elsewhere than where it was trained.
    found = replace(written, config_hash=record.config_hash)
    same = (found.seed, found.iterations, found.losses)
    return found if same == (record.seed, record.iterations, record.losses) else record


def _thinned(losses: Sequence[float]) -> list[list[float]]:
    """Pairs of an iteration and the mean loss up to it from the pair before, ``POINTS`` of them."""
    edges = sorted({round(len(losses) * part / POINTS) for part in range(POINTS + 1)})
    means = ((end, sum(losses[start:end]) / (end - start)) for start, end in pairwise(edges))
    return [[end, round(mean, 4)] for end, mean in means]


def _final_losses(values: Mapping[str, list[float]]) -> dict[str, float]:
    last = {name: log[-LAST:] for name, log in values.items() if name.startswith('loss') and log}
    means = {name: sum(log) / len(log) for name, log in last.items()}
    return {name: mean for name, mean in means.items() if math.isfinite(mean)}


def _device(config: Config) -> str:
    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return f'CPU {platform.machine()}, {training_threads(config)} threads'


def _commit() -> str | None:
    """The commit of the checkout; None if the package is installed elsewhere, also inside another one."""
    checkout = Path(__file__).resolve().parents[2]
    if not (checkout / '.git').exists():
        return None
    command = ['git', '-C', str(checkout), 'rev-parse', 'HEAD']
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()
