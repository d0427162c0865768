"""Several networks trained side by side on crops that are rendered once and stay on the device."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from mmdet.registry import DATASETS, MODELS, PARAM_SCHEDULERS
from mmengine import Config
from mmengine.dataset import pseudo_collate
from mmengine.logging import HistoryBuffer
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import set_random_seed
from mmengine.runner.checkpoint import get_state_dict, weights_to_cpu
from torch import Tensor
from torch.utils.data import DataLoader

from mmbfbox.datasets import ResumableSampler
from mmbfbox.engine.hooks import ChannelsLastHook
from mmbfbox.errors import UserError
from mmbfbox.search.scoring.fast.machine import GIB, default_memory
from mmbfbox.utils.files import atomic_write
from mmbfbox.utils.loaders import dependent_loader_options
from mmbfbox.utils.quiet import errors_only

SHARE = 2
"""How many times as much as a scorer's caches crops may take of the free memory: four fifths."""


class CropBank:
    """The crops of a whole training, in their order: those that ``tools/train.py`` would render.

    Args:
        config: of the training.
        seed: of the data order and the augmentation.
        iterations: of the training.
        device: where they stay.
        workers: processes that render.
        memory: bytes that they may take; four fifths of what is free there by default.

    Raises:
        UserError: they do not fit into the memory.
    """

    def __init__(
        self, config: Config, seed: int, iterations: int, device: str, workers: int = 0,
        memory: float | None = None,
    ) -> None:  # fmt: skip
        init_default_scope('mmdet')
        loader = config.train_dataloader
        self.batch_size = loader.batch_size
        dataset = DATASETS.build(loader.dataset)
        order = list(islice(ResumableSampler(dataset, seed=seed), iterations * self.batch_size))
        batches = DataLoader(
            dataset, self.batch_size, sampler=order, collate_fn=pseudo_collate, num_workers=workers
        )
        free = SHARE * default_memory(device) * GIB if memory is None else memory
        self._images: Tensor | None = None
        self.samples: list[Any] = []
        for batch in batches:
            images = torch.stack(list(batch['inputs']))
            if self._images is None:
                size = len(order) * images[0].numel()
                if size > free:
                    raise UserError(
                        f'the {len(order):,} crops of a training take {size / 1e9:.2f} GB, and {device} has '
                        f'{free / 1e9:.2f} GB for them; leave --at-once away, or take another device'
                    )
                self._images = torch.empty((len(order), *images.shape[1:]), dtype=torch.uint8)
                self._images = self._images.to(device)
            start = len(self.samples)
            self._images[start : start + len(images)] = images.to(device)
            self.samples += batch['data_samples']

    def __len__(self) -> int:
        """How many crops there are."""
        return len(self.samples)

    def batch(self, iteration: int) -> dict[str, Any]:
        """What a step is computed from, counted from 0."""
        assert self._images is not None
        part = slice(iteration * self.batch_size, (iteration + 1) * self.batch_size)
        return dict(inputs=list(self._images[part]), data_samples=self.samples[part])


class SteppedNetwork:
    """A network with its optimizer, its schedule and its losses.

    Args:
        config: of its training, with its model.
        seed: of its initial weights.
        device: where it is trained.
    """

    def __init__(self, config: Config, seed: int, device: str) -> None:
        set_random_seed(seed)
        self.config, self.seed = config, seed
        with errors_only():
            self.model: Any = MODELS.build(config.model).to(device)
        if any(hook['type'] == 'ChannelsLastHook' for hook in config.custom_hooks):
            ChannelsLastHook().before_run(self)  # type: ignore[arg-type]
        with errors_only():
            self.model.init_weights()
        self.model.train()
        self.optim_wrapper: Any = build_optim_wrapper(self.model, config.optim_wrapper)
        self.optim_wrapper.initialize_count_status(self.model, 0, config.train_cfg.max_iters)
        self.schedulers = [
            PARAM_SCHEDULERS.build(dict(scheduler), default_args=dict(optimizer=self.optim_wrapper))
            for scheduler in config.param_scheduler
        ]
        self.losses: dict[str, list[Tensor]] = {}
        self.seconds: list[float] = []

    def step(self, batch: Mapping[str, Any]) -> None:
        """One iteration."""
        for name, value in self.model.train_step(batch, self.optim_wrapper).items():
            # Not a number yet: the device goes on.
            self.losses.setdefault(name, []).append(torch.as_tensor(value).detach())
        for scheduler in self.schedulers:
            scheduler.step()

    def save(self, path: Path) -> None:
        """Write a checkpoint like the last one of ``tools/train.py``."""
        logs = {
            f'train/{name}': torch.stack(found).cpu().tolist()
            for name, found in self.losses.items()
        }
        logs['train/time'] = self.seconds
        # What the command line makes of a config, so that both have one hash.
        config = Config(self.config.to_dict())
        dependent_loader_options(config)
        config.launcher = 'none'
        meta = dict(cfg=config.pretty_text, seed=self.seed, iter=len(self.seconds))
        hub = {name: HistoryBuffer(values, [1] * len(values)) for name, values in logs.items()}
        content = dict(
            meta=meta, state_dict=weights_to_cpu(get_state_dict(self.model)),
            message_hub=dict(log_scalars=hub),
        )  # fmt: skip
        with atomic_write(path) as temporary:
            torch.save(content, temporary)


def train_side_by_side(networks: Sequence[SteppedNetwork], bank: CropBank) -> Iterator[int]:
    """Step all networks on the same batches.

    Args:
        networks: of one training, on the device of the bank.
        bank: its crops.

    Yields:
        The number of iterations that are done, after each.
    """
    for iteration in range(len(bank) // bank.batch_size):
        start = time.perf_counter()
        batch = bank.batch(iteration)
        for network in networks:
            network.step(batch)
        # A share of the device each.
        share = (time.perf_counter() - start) / len(networks)
        for network in networks:
            network.seconds.append(share)
        yield iteration + 1
