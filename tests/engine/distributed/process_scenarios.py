"""What two processes do together; ``test_path_parallel.py`` starts them and reads the results.

All scenarios run in one pair of processes, because starting them takes longer than the scenarios.

    python -m tests.engine.distributed.process_scenarios RANK FOLDER
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import MMLogger
from mmengine.model import ExponentialMovingAverage, MMDistributedDataParallel
from torch import Tensor, nn
from torch import distributed as dist

from mmbfbox.engine import BFloat16OptimWrapper, PathDataParallel
from mmbfbox.errors import UserError
from mmbfbox.models import set_arch, space_of
from tests.engine.distributed.process_training import (
    batch,
    copy_of,
    light_supernet,
    plain_network,
    sgd,
    supernet,
    train,
    train_plain,
)
from tests.fixtures_models import skipping


def joined_batch(rank: int) -> list[dict[str, Tensor]]:
    """Training on half of each batch."""
    # Other weights on rank 1: it has to get those of rank 0.
    model = PathDataParallel(supernet(seed=rank), check_interval=2)
    return train(model, range(rank, rank + 1))


def skips(rank: int) -> list[dict[str, Tensor]]:
    """Paths through slots that have no parameters."""
    model = PathDataParallel(supernet(rank, skipping), check_interval=1)
    return train(model, range(rank, rank + 1))


def light(rank: int) -> list[dict[str, Tensor]]:
    """The same with the losses of light detectors, and with batches without faces."""
    model = PathDataParallel(light_supernet(seed=rank), check_interval=1)
    return train(model, range(rank, rank + 1), faceless=((), (1,), (0, 1), ()))


FACELESS = ((1,), (0,), (0, 1))
"""Ranks without a face in each step: one, the other, both."""


def no_faces(rank: int) -> list[dict[str, Tensor]]:
    model = PathDataParallel(supernet(), check_interval=1)
    return train(model, range(rank, rank + 1), len(FACELESS), FACELESS)


def baseline(rank: int) -> dict[str, Tensor]:
    model = MMDistributedDataParallel(plain_network(), broadcast_buffers=False)
    return train_plain(model, range(rank, rank + 1))


def accumulation(rank: int) -> dict[str, Any]:
    model = PathDataParallel(supernet())
    optim = sgd(model, accumulative_counts=2)
    set_arch(model.module, space_of(model.module).sample(7, 0))
    sent = []
    for step in range(2):
        model.train_step(batch(step, range(rank, rank + 1)), optim)
        sent.append(model.reducer.bytes_reduced)
    return dict(sent=sent, state=copy_of(model.module.state_dict()))


def paths_of_one_update(rank: int) -> dict[str, Any]:
    """Two paths accumulate before one reduction: both have to be reduced."""
    model = PathDataParallel(supernet())
    for step in range(2):
        set_arch(model.module, space_of(model.module).sample(7, step))
        data = model.module.data_preprocessor(batch(step, range(rank, rank + 1)), training=True)
        if step == 0:
            with model.no_sync():
                losses = model(**data, mode='loss')
        else:
            losses = model(**data, mode='loss')
        model.module.parse_losses(losses)[0].backward()
    return {n: p.grad for n, p in model.module.named_parameters() if p.grad is not None}


def bf16(rank: int) -> list[dict[str, Tensor]]:
    model = PathDataParallel(supernet())
    return train(model, range(rank, rank + 1), steps=2, kind=BFloat16OptimWrapper)


class Branches(nn.Module):
    """The first rank uses ``a`` and ``both``, the second ``b`` and ``both``, nobody ``none``."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.a, self.b, self.both, self.none = (nn.Linear(2, 1, bias=False) for _ in range(4))

    def forward(self, x: Tensor, mine: str) -> Tensor:
        # All branches run, but the others' output is dropped.
        outputs = dict(a=self.a(x), b=self.b(x))
        self.none(x)
        return (outputs[mine] + self.both(x)).sum()


def branches(rank: int) -> dict[str, Any]:
    model = PathDataParallel(Branches(), check_interval=0)
    model(torch.full((1, 2), 2.0 * rank + 2), 'ab'[rank]).backward()
    return {name: p.grad for name, p in model.module.named_parameters()}


def scaler(rank: int) -> dict[str, Any]:
    """A gradient scaler sees averaged gradients: infinite on one rank, skipped on both."""
    model = PathDataParallel(Branches())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scale = torch.amp.GradScaler('cpu', init_scale=8.0)
    gradients, moved = [], []
    for value in (1.0, float('inf')):
        before = model.module.both.weight.detach().clone()
        loss = model(torch.full((1, 2), value if rank else 3.0), 'a')
        scale.scale(loss).backward()
        scale.unscale_(optimizer)
        gradients.append(model.module.both.weight.grad.clone())
        scale.step(optimizer)
        scale.update()
        optimizer.zero_grad()
        moved.append(not torch.equal(before, model.module.both.weight))
    return dict(gradients=gradients, moved=moved, scale=scale.get_scale())


def other_paths(rank: int) -> str:
    model = PathDataParallel(supernet())
    set_arch(model.module, space_of(model.module).sample(rank, 0))
    return message_of(lambda: model.train_step(batch(0, range(rank, rank + 1)), sgd(model)))


class OneOfTwo(nn.Module):
    """No supernet: only the gradients themselves tell that the ranks differ."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleList(nn.Linear(2, 1) for _ in range(2))

    def forward(self, x: Tensor, part: int) -> Tensor:
        return self.parts[part](x).sum()


def other_gradients(rank: int) -> str:
    model = PathDataParallel(OneOfTwo())
    return message_of(lambda: model(torch.ones(1, 2), rank).backward())


def late_disagreement(rank: int) -> list[str]:
    """The ranks part in step 3; the check in step 4 sees it."""
    model = PathDataParallel(OneOfTwo(), check_interval=4)
    said = []
    for step in range(5):
        part = rank if step >= 3 else 0
        said.append(message_of(lambda part=part: model(torch.ones(1, 2), part).backward()))
    return said


def other_models(rank: int) -> str:
    return message_of(lambda: PathDataParallel(nn.Linear(2, 1 + rank)))


def average(rank: int) -> dict[str, Any]:
    """mmengine's moving average copies the detector, not the wrapper."""
    model = PathDataParallel(supernet())
    averaged = ExponentialMovingAverage(model.module, momentum=0.5)
    averaged.update_parameters(model.module)
    before = copy_of(averaged.module.state_dict())
    model.train_step(batch(0, range(rank, rank + 1)), sgd(model))
    averaged.update_parameters(model.module)
    return dict(before=before, after=averaged.module.state_dict(), now=model.module.state_dict())


def older_key(rank: int) -> list[str]:
    """What a config of an earlier version is told."""
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    MMLogger.get_current_instance().addHandler(handler)
    PathDataParallel(nn.Linear(2, 1), bucket_mb=16)
    return said


def message_of(action: Callable[[], object]) -> str:
    try:
        action()
    except UserError as error:
        return str(error)
    return ''


SCENARIOS = (
    joined_batch, skips, light, no_faces, baseline, accumulation, paths_of_one_update, bf16, branches, scaler,
    other_paths, other_gradients, late_disagreement, other_models, average, older_key,
)  # fmt: skip


def main(rank: int, folder: Path) -> None:
    """Run all scenarios as one of two ranks."""
    torch.set_num_threads(1)
    dist.init_process_group('gloo', init_method=f'file://{folder}/store', rank=rank, world_size=2)
    torch.save({run.__name__: run(rank) for run in SCENARIOS}, folder / f'{rank}.pth')
    dist.destroy_process_group()


if __name__ == '__main__':
    main(int(sys.argv[1]), Path(sys.argv[2]))
