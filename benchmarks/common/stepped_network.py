"""Networks that are stepped side by side: on a GPU each step is one CUDA graph.

A step of a light network is a thousand small kernels. Launched one by one they take the CPU tens of
milliseconds and leave the GPU idle; as a graph they are one launch, and the graphs of several networks run at
the same time.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from mmdet.registry import MODELS, PARAM_SCHEDULERS
from mmengine import Config, ConfigDict
from mmengine.logging import HistoryBuffer
from mmengine.optim import build_optim_wrapper
from mmengine.runner import set_random_seed
from mmengine.runner.checkpoint import get_state_dict, weights_to_cpu
from torch import Tensor

from benchmarks.common.crop_bank import CropBank
from benchmarks.common.scripts import tell_progress
from mmbfbox.engine.hooks import ChannelsLastHook
from mmbfbox.errors import UserError
from mmbfbox.utils.files import atomic_write
from mmbfbox.utils.loaders import dependent_loader_options
from mmbfbox.utils.quiet import errors_only

WARM_UP = 3
"""Steps before a graph is captured, which libraries need to choose their algorithms."""

STEPPED = ('OptimWrapper', 'BFloat16OptimWrapper')
"""How a step may compute."""

UNKNOWN_HOOKS = ('EMAHook', 'PathEMAHook', 'PathSamplingHook')
"""What changes a training and is not part of a step here."""


def can_be_stepped(config: Config) -> bool:
    """Whether a training is one that :class:`SteppedNetwork` knows."""
    hooks = {hook['type'] for hook in config.custom_hooks}
    return config.optim_wrapper.type in STEPPED and not hooks & set(UNKNOWN_HOOKS)


class SteppedNetwork:
    """A network with its optimizer, its schedule and its losses.

    Args:
        config: of its training, with its model.
        seed: of its initial weights, and of the order of the crops.
        bank: its crops.
        graph: whether a GPU computes each step as a graph.

    Raises:
        UserError: the training has a part that is not known here.
    """

    def __init__(self, config: Config, seed: int, bank: CropBank, graph: bool = True) -> None:
        if not can_be_stepped(config):
            raise UserError(
                'a training with a moving average, paths or float16 is not stepped side by side; run it alone'
            )
        set_random_seed(seed)
        self.config, self.seed, self.bank = config, seed, bank
        self.iterations: int = config.train_cfg.max_iters
        device = bank.device
        with errors_only():
            self.model: Any = MODELS.build(config.model).to(device)
        if any(hook['type'] == 'ChannelsLastHook' for hook in config.custom_hooks):
            ChannelsLastHook().before_run(self)  # type: ignore[arg-type]
        with errors_only():
            self.model.init_weights()
        self.model.train()
        self.graph: torch.cuda.CUDAGraph | None = None
        self.seconds: list[float] = []
        self._rates, self._optimizer = _schedule(self.model, config)
        self._clip = dict(config.optim_wrapper.get('clip_grad') or {})
        self.done = 0
        batch: int = config.train_dataloader.batch_size
        self._order = bank.order(self.iterations * batch, seed)
        self._places = torch.arange(batch, device=device)
        self._count = torch.zeros(1, dtype=torch.long, device=device)
        self._names: list[str] = []
        self._log = torch.zeros(0, device=device)
        if device.type == 'cuda':
            self._rates = self._rates.to(device)
            if graph:
                self._capture()

    def step(self) -> None:
        """One iteration; the GPU does it later."""
        self.done += 1
        if self.graph is None:
            self._step()
        else:
            with torch.cuda.stream(self.stream):
                self.graph.replay()

    def losses(self) -> Tensor:
        """The loss ``(iterations,)`` of each step, 0 for those to come."""
        return self._log[:, self._names.index('loss')].cpu()

    def _step(self) -> None:
        """Compute a step; how far the training is stands in :attr:`_count`, on the device."""
        images, targets = self.bank.take(
            self._order[self._count * len(self._places) + self._places]
        )
        model = self.model
        with self._precision():
            scores, deltas = model.bbox_head(model.extract_feat(self._prepared(images)))
        losses = model.bbox_head.losses_of(
            [level.float() for level in scores], [level.float() for level in deltas], targets
        )
        total, values = model.parse_losses(losses)
        self._optimizer.zero_grad(set_to_none=True)
        total.backward()
        if self._clip:
            with_gradient = [p for p in model.parameters() if p.grad is not None]
            torch.nn.utils.clip_grad_norm_(with_gradient, **self._clip)
        self._set_rates()
        self._optimizer.step()
        row = torch.stack([value.detach() for value in values.values()])[None]
        if not len(self._names):
            self._names = list(values)
            self._log = row.new_zeros(self.iterations, len(values))
        self._log.index_copy_(0, self._count, row)
        self._count += 1

    def _prepared(self, images: Tensor) -> Tensor:
        """Images as the model's data preprocessor normalises them."""
        processor = self.model.data_preprocessor
        if processor._channel_conversion:
            images = images.flip(1)
        prepared: Tensor = (images.float() - processor.mean) / processor.std
        return prepared

    def _precision(self) -> AbstractContextManager[Any]:
        if self.config.optim_wrapper.type == 'OptimWrapper':
            return nullcontext()
        device = self.bank.device.type
        # Casts that are cached between calls would not be part of a graph.
        return torch.autocast(device, dtype=torch.bfloat16, cache_enabled=device == 'cpu')

    def _set_rates(self) -> None:
        for number, group in enumerate(self._optimizer.param_groups):
            if isinstance(group['lr'], Tensor):
                group['lr'].copy_(self._rates[self._count, number][0])
            else:
                group['lr'] = self._rates[self._count, number].item()

    def _capture(self) -> None:
        """Make a step one CUDA graph; weights and optimizer are afterwards as they were before."""
        before = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.stream = torch.cuda.Stream()
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            for _ in range(WARM_UP):
                self._step()
        torch.cuda.current_stream().wait_stream(self.stream)
        self._optimizer.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        # Crops may be rendered in another thread.
        with torch.cuda.graph(graph, stream=self.stream, capture_error_mode='thread_local'):
            self._step()
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                value.copy_(before[name])
            for state in self._optimizer.state.values():
                for value in state.values():
                    if isinstance(value, Tensor):
                        value.zero_()
        self._count.zero_()
        torch.cuda.synchronize()
        self.graph = graph

    def save(self, path: Path, half: bool = False) -> None:
        """Write a checkpoint like the last one of ``tools/train.py``.

        Args:
            path: of the file.
            half: whether weights are kept in half precision (statistics of batch norm never are).
        """
        columns = self._log.cpu().t().tolist()
        logs = {f'train/{n}': values for n, values in zip(self._names, columns, strict=True)}
        logs['train/time'] = self.seconds
        # What the command line makes of a config, so that both have one hash.
        config = Config(self.config.to_dict())
        dependent_loader_options(config)
        config.launcher = 'none'
        meta = dict(cfg=config.pretty_text, seed=self.seed, iter=self.iterations)
        hub = {name: HistoryBuffer(values, [1] * len(values)) for name, values in logs.items()}
        weights = weights_to_cpu(get_state_dict(self.model))
        if half:
            for name, value in weights.items():
                if value.dtype == torch.float32 and 'running' not in name:
                    weights[name] = value.half()
        content = dict(meta=meta, state_dict=weights, message_hub=dict(log_scalars=hub))
        with atomic_write(path) as temporary:
            torch.save(content, temporary)


def _schedule(model: Any, config: Config) -> tuple[Tensor, torch.optim.Optimizer]:
    """The learning rates ``(iterations, groups)`` of a training, and its optimizer."""
    settings = ConfigDict(config.optim_wrapper.to_dict())
    if next(model.parameters()).is_cuda:
        settings.optimizer.fused = True
        if 'Adam' in settings.optimizer.type:
            settings.optimizer.capturable = True
    wrapper: Any = build_optim_wrapper(model, settings)
    groups = wrapper.optimizer.param_groups
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # the optimizer is not stepped here
        schedulers = [
            PARAM_SCHEDULERS.build(dict(scheduler), default_args=dict(optimizer=wrapper))
            for scheduler in config.param_scheduler
        ]
        for _ in range(config.train_cfg.max_iters):
            rates.append([float(group['lr']) for group in groups])
            for scheduler in schedulers:
                scheduler.step()
    for group, rate in zip(groups, rates[0], strict=True):
        group['lr'] = rate
        if group['params'][0].is_cuda:
            group['lr'] = torch.tensor(rate, device=group['params'][0].device)
    return torch.tensor(rates, dtype=torch.float64), wrapper.optimizer


def train_side_by_side(networks: Sequence[SteppedNetwork], every: int = 100) -> None:
    """Step all networks to their ends, which they reach at the same time.

    Args:
        networks: on one device.
        every: iterations of the longest training between two lines that say how far it is.
    """
    last = max(network.iterations for network in networks)
    start = time.perf_counter()
    for iteration in range(1, last + 1):
        for network in networks:
            if network.done * last < iteration * network.iterations:
                network.step()
        if iteration % every == 0 and iteration < last:
            _wait(networks)
            tell_progress(iteration, last, f'iterations of {len(networks)} networks', start)
    _wait(networks)
    # A share of the device each.
    share = (time.perf_counter() - start) / sum(network.iterations for network in networks)
    for network in networks:
        network.seconds = [share] * network.iterations


def _wait(networks: Sequence[SteppedNetwork]) -> None:
    if networks[0].bank.device.type == 'cuda':
        torch.cuda.synchronize()
