"""Recorded trainings several at a time, on crops that are rendered once."""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from mmbfbox.pipeline.trainings import write_training_record


class Job(NamedTuple):
    """A training of :class:`~benchmarks.common.recorded_runs.RecordedRuns`."""

    name: str
    seed: int
    options: Mapping[str, Any]
    network: Network | None = None


@dataclass(frozen=True)
class SideBySide:
    """How trainings share a device.

    Attributes:
        at_once: how many of them.
        workers: processes that render the crops.
        half: whether checkpoints keep weights in half precision.
        device: where.
    """

    at_once: int = 1
    workers: int = 2
    half: bool = False
    device: str = 'cpu'

    @classmethod
    def of(cls, args: argparse.Namespace) -> SideBySide:
        """By the options of :func:`add_options`."""
        return cls(args.at_once, args.workers, args.half, str(get_device()))

    def train(self, runs: RecordedRuns, jobs: Sequence[Job]) -> None:
        """Train what is neither trained nor recorded, as far as it can be stepped.

        The record of a training lies beside its checkpoint, so that ``runs`` finds it trained. A group
        that is interrupted begins anew.

        Raises:
            UserError: the crops do not fit into the memory, or an option does not fit the config.
        """
        groups = defaultdict(list)
        for job in jobs:
            if runs.record_path(job.name, job.seed).is_file():
                continue
            training = runs.training(*job)
            if training[1].done.exists() or not can_be_stepped(training[2]):
                continue
            iterations = training[2].train_cfg.max_iters
            groups[bank_key(training[2], job.seed), iterations].append((job, *training))
        for number, ((_, iterations), group) in enumerate(groups.items(), 1):
            seed = group[0][0].seed
            names = ', '.join(job.name for job, *_ in group)
            tell(f'crops {number}/{len(groups)}, seed {seed}, {len(group)} networks: {names}')
            bank = CropBank(group[0][3], seed, iterations, self.device, self.workers)
            for start in range(0, len(group), self.at_once):
                self._train(bank, [part[1:] for part in group[start : start + self.at_once]])

    def _train(self, bank: CropBank, trainings: Sequence[tuple[Pipeline, Step, Config]]) -> None:
        if bank.device.type == 'cuda':
            torch.backends.cudnn.benchmark = True
        networks = [SteppedNetwork(config, bank.seed, bank) for _, _, config in trainings]
        train_side_by_side(networks)
        for (plan, step, config), network in zip(trainings, networks, strict=True):
            write_config(plan.folder / 'config.py', config)
            step.folder.mkdir(parents=True, exist_ok=True)
            write_record(step, plan)
            network.save(step.done, self.half)
            write_training_record(step, plan)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of a script whose trainings can share a device."""
    parser.add_argument(
        '--at-once', type=int, default=1, metavar='N',
        help='step so many networks on the same crops, which are rendered once and stay on the device; on a '
        'GPU each step is one CUDA graph. A group that is interrupted begins anew',
    )  # fmt: skip
    parser.add_argument('--workers', type=int, default=2, help='processes that render these crops')
    parser.add_argument(
        '--half', action='store_true', help='keep the weights of these in half precision'
    )
    parser.add_argument(
        '--train-only', action='store_true',
        help='test nothing: the same command without it, on a machine that has the work dir, goes on',
    )  # fmt: skip


def tell(text: str) -> None:
    """Print where the run is."""
    print(text, file=sys.stderr, flush=True)
