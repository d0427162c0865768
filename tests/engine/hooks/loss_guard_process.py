"""One of two processes of a training in which the loss of the first becomes infinite, gradients do not.

    python -m tests.engine.hooks.loss_guard_process RANK PORT FOLDER LAST

writes ``<rank>.json`` into the folder: how many iterations it did, and what it said at the end.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import torch
from mmengine.dist import get_rank
from torch import distributed as dist

from mmbfbox.errors import UserError
from tests.engine.toy_runs import Toy, toy_runner

FIRST_BAD = 2
PATIENCE = 3


class InfiniteOnTheFirst(Toy):
    """Adds an infinite loss without a gradient on rank 0, from an iteration to another one."""

    def __init__(self, last: int) -> None:
        super().__init__()
        self.last, self.steps = last, 0

    def forward(self, inputs, data_samples=None, mode='tensor'):
        losses = super().forward(inputs, data_samples, mode)
        bad = get_rank() == 0 and FIRST_BAD <= self.steps <= self.last
        losses['loss_other'] = torch.tensor(float('inf') if bad else 0.0)
        self.steps += 1
        return losses


def main(rank: int, port: str, folder: Path, last: int) -> None:
    """Train for ten iterations, or until the hook stops."""
    torch.set_num_threads(1)
    os.environ.update(
        RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=port
    )  # fmt: skip
    dist.init_process_group('gloo')  # mmengine's own way asks for a GPU
    runner = toy_runner(
        folder / 'work',
        10,
        model=InfiniteOnTheFirst(last),
        launcher='pytorch',
        cfg=dict(model_wrapper_cfg=dict(type='PathDataParallel')),
        custom_hooks=[dict(type='LossGuardHook', action='skip', patience=PATIENCE)],
    )
    said = ''
    try:
        runner.train()
    except UserError as error:
        said = str(error)
    (folder / f'{rank}.json').write_text(json.dumps(dict(iterations=runner.iter, said=said)))


if __name__ == '__main__':
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
