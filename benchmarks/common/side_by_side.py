"""Recorded trainings several at a time, on crops that are rendered once."""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from mmengine import Config
from mmengine.device import get_device

from benchmarks.common.crop_bank import CropBank, bank_key
from benchmarks.common.recorded_runs import Network, RecordedRuns
from benchmarks.common.stepped_network import SteppedNetwork, can_be_stepped, train_side_by_side
from mmbfbox.pipeline.plan import Pipeline
from mmbfbox.pipeline.records import write_record
from mmbfbox.pipeline.run import write_config
from mmbfbox.pipeline.step import Step
from mmbfbox.pipeline.trainings import TRAINING_RECORD, training_record


class Job(NamedTuple):
    """A training of :class:`~benchmarks.common.recorded_runs.RecordedRuns`."""

    name: str
    seed: int
    options: Mapping[str, Any]
    network: Network | None = None


class Training(NamedTuple):
    """A job and its plan."""

    job: Job
    plan: Pipeline
    step: Step
    config: Config


@dataclass(frozen=True)
class SideBySide:
    """How trainings share a device.

    Attributes:
        at_once: how many of them.
        workers: processes that render the crops.
        half: whether checkpoints keep weights in half precision.
        device: where.
        crops: how many are rendered, for all seeds and lengths of training; None renders what each one
            would see.
    """

    at_once: int = 1
    workers: int = 2
    half: bool = False
    device: str = 'cpu'
    crops: int | None = None

    @classmethod
    def of(cls, args: argparse.Namespace) -> SideBySide:
        """By the options of :func:`add_options`."""
        return cls(args.at_once, args.workers, args.half, str(get_device()), args.crops)

    @staticmethod
    def trained(runs: RecordedRuns, jobs: Sequence[Job]) -> list[Job]:
        """Those that are trained."""
        return [job for job in jobs if runs.training(*job)[1].done.exists()]

    def train(self, runs: RecordedRuns, jobs: Sequence[Job]) -> None:
        """Train what is neither trained nor recorded, as far as it can be stepped.

        The record of a training lies beside its checkpoint, so that ``runs`` finds it trained. A group
        that is interrupted begins anew.

        Raises:
            UserError: the crops do not fit into the memory, or an option does not fit the config.
        """
        groups: dict[Any, list[Training]] = defaultdict(list)
        for training in self.missing(runs, jobs):
            config, seed = training.config, training.job.seed
            number = config.train_cfg.max_iters * config.train_dataloader.batch_size
            own = None if self.crops else (seed, number)
            groups[bank_key(config), own].append(training)
        for number, group in enumerate(groups.values(), 1):
            names = ', '.join(f'{part.job.name}-seed{part.job.seed}' for part in group)
            tell(f'crops {number}/{len(groups)}, {len(group)} networks: {names}')
            first = group[0].config
            crops = self.crops or first.train_cfg.max_iters * first.train_dataloader.batch_size
            bank = CropBank(first, group[0].job.seed, crops, self.device, self.workers)
            for start in range(0, len(group), self.at_once):
                part = group[start : start + self.at_once]
                networks = [self.network(training, bank) for training in part]
                train_side_by_side(networks)
                for training, network in zip(part, networks, strict=True):
                    self.save(training, network)

    @staticmethod
    def missing(runs: RecordedRuns, jobs: Sequence[Job]) -> list[Training]:
        """What is neither trained nor recorded, and can be stepped."""
        new = [job for job in jobs if not runs.record_path(job.name, job.seed).is_file()]
        trainings = [Training(job, *runs.training(*job)) for job in new]
        return [t for t in trainings if not t.step.done.exists() and can_be_stepped(t.config)]

    @staticmethod
    def network(training: Training, bank: CropBank) -> SteppedNetwork:
        """The network of a training, before its first step."""
        if bank.device.type == 'cuda':
            torch.backends.cudnn.benchmark = True
        return SteppedNetwork(training.config, training.job.seed, bank)

    def save(self, training: Training, network: SteppedNetwork) -> None:
        """Leave what the training's step would leave."""
        plan, step = training.plan, training.step
        write_config(plan.folder / 'config.py', training.config)
        step.folder.mkdir(parents=True, exist_ok=True)
        write_record(step, plan)
        network.save(step.done, self.half)
        record = training_record(step.done, plan)
        if self.crops:
            seen = f'{record.device}, {len(network.bank):,} crops again and again'
            record = replace(record, device=seen)
        record.write(step.folder / TRAINING_RECORD)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of a script whose trainings can share a device."""
    parser.add_argument(
        '--at-once', type=int, default=1, metavar='N',
        help='step so many networks on the same crops, which are rendered once and stay on the device; on a '
        'GPU each step is one CUDA graph. A group that is interrupted begins anew',
    )  # fmt: skip
    parser.add_argument(
        '--crops', type=int, metavar='N',
        help='with --at-once: render so many crops, which trainings of all seeds and lengths see in orders '
        'of their own; without it each training sees the crops that it would see alone',
    )  # fmt: skip
    parser.add_argument('--workers', type=int, default=2, help='processes that render these crops')
    parser.add_argument(
        '--half', action='store_true', help='keep the weights of these in half precision'
    )
    parser.add_argument(
        '--train-only', action='store_true',
        help='test nothing: the same command without it, on a machine that has the work dir, goes on',
    )  # fmt: skip

    parser.add_argument(
        '--trained-only', action='store_true', help='train nothing: record what is trained already'
    )


def tell(text: str) -> None:
    """Print where the run is."""
    print(text, file=sys.stderr, flush=True)
