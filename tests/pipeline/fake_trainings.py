"""Commands that leave what trainings and tests of finalists leave, without networks."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import HistoryBuffer

from mmbfbox.artifacts.metrics import Metrics


class FakeTrainings:
    """Takes the place of ``mmbfbox.pipeline.run.call``; AP depends on network and round alone.

    Args:
        begins: is called before a training or test leaves anything, with its name; may raise.
        ends: the same, when everything is left.
        diverges: says which trainings end without a number, by their names like ``'control-0000/rung1'``.
        score: AP of a test, by its name; otherwise a number of the network's own and a little of the round's.
    """

    def __init__(
        self,
        begins: Callable[[str], None] = lambda name: None,
        ends: Callable[[str], None] = lambda name: None,
        diverges: Callable[[str], bool] = lambda name: False,
        score: Callable[[str], float] | None = None,
    ) -> None:
        self.begins, self.ends, self.diverges = begins, ends, diverges
        self.score = score or _number
        self.done: list[str] = []
        self.resumed: list[str] = []
        self.lock = threading.Lock()

    def __call__(self, command: Sequence[str], output: Any, variables: Any = None) -> int:
        tool, config = Path(command[1]).stem, Path(command[2])
        folder = Path(command[command.index('--work-dir') + 1])
        name = f'{folder.parent.name}/{folder.name}'
        self.begins(name)
        if tool == 'train':
            if '--resume' in command:
                self.resumed.append(command[command.index('--resume') + 1])
            if self.diverges(name):
                (folder / 'bad_steps').mkdir()
                output.write('error: the loss is not finite at iteration 1\n')
                output.flush()
                return 1
            iterations = int(re.search(r'max_iters=(\d+)', config.read_text())[1])
            losses = [2.0 - _number(name) + 1 / (1 + number) for number in range(iterations)]
            scalars = {'train/loss': HistoryBuffer(losses, [1] * iterations)}
            scalars['train/time'] = HistoryBuffer([0.5] * iterations, [1] * iterations)
            meta = dict(cfg='train_dataloader = dict(batch_size=2)', seed=0, iter=iterations)
            content = dict(meta=meta, state_dict={}, message_hub=dict(log_scalars=scalars))
            torch.save(content, folder / f'iter_{iterations}.pth')
        else:
            score = self.score(name)
            found = {f'wider/{subset}': score for subset in ('easy', 'medium', 'hard')}
            Metrics(found).write(folder / 'metrics.json')
        with self.lock:
            self.done.append(name)
        self.ends(name)
        return 0


def _number(name: str) -> float:
    """Between 0 and 1: mostly the network's own, a little of the round."""
    network, of_round = name.split('/')
    own, noise = (
        int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32
        for text in (network, of_round)
    )
    return 0.9 * own + 0.1 * noise
