"""Kill -9 a training run again and again at random moments, and compare it with an undisturbed one.

A tiny supernet trains with loader workers, AdamW, gradient clipping and EMA on small images. One
run is left alone; the other is killed at random moments and resumed each time. At the end weights,
optimizer state, EMA, schedules and logged scalars must be equal to the last bit.

    python benchmarks/training/killed_training.py --kills 25
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import numpy as np
import torch
from mmengine import Config
from mmengine.logging import HistoryBuffer
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

import mmbfbox.datasets
import mmbfbox.engine
import mmbfbox.evaluation.metrics
import mmbfbox.models  # noqa: F401
from benchmarks.common.scripts import new_parser
from mmbfbox.datasets.demo.make import make_demo_data
from mmbfbox.engine import load_checkpoint_file
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import set_data_root

TIMES = ('time', 'data_time', 'eta', 'memory', 'images_per_second', 'data_share')
WIDTHS = [16, 16, 16, 16]
OPTIONS: dict[str, Any] = {
    'model.backbone.stem_channels': 8,
    'model.backbone.out_channels': WIDTHS,
    'model.neck.in_channels': WIDTHS,
    'model.neck.channels': 16,
    'model.bbox_head.in_channels': 16,
    'train_dataloader.batch_size': 2,
    'train_dataloader.dataset.held_out': 4,
    'train_dataloader.dataset.recalibration': 4,
    'train_dataloader.dataset.pipeline.3.transforms.0.canvas': 128,
    'default_hooks.logger.interval': 1,
}


def make_config(data: Path, work_dir: Path, **options: Any) -> Config:
    """Config of the tiny supernet, which resumes whatever is in ``work_dir``."""
    config = load_config('demo/bfbox_supernet_demo', OPTIONS | options)
    set_data_root(config, data)
    config.custom_hooks.append(dict(type='EMAHook', momentum=0.1, update_buffers=True))
    config.work_dir = str(work_dir)
    config.resume = True
    return config


def train(data: Path, work_dir: Path, options: dict[str, Any]) -> None:
    """Train to the end, quietly; the target of a process."""
    torch.set_num_threads(1)
    os.setpgid(0, 0)
    sys.stdout = open(os.devnull, 'w')  # noqa: SIM115
    logging.disable(logging.INFO)
    init_default_scope('mmdet')
    Runner.from_cfg(make_config(data, work_dir, **options)).train()


def start(data: Path, work_dir: Path, options: dict[str, Any]) -> Any:
    """Start :func:`train` in a process that has everything imported."""
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload([__name__ if __name__ != '__main__' else '__main__'])
    process = context.Process(target=train, args=(data, work_dir, options))
    process.start()
    return process


def train_killed(
    data: Path, work_dir: Path, options: dict[str, Any], kills: int, seed: int, most: int = 8
) -> Iterator[str]:
    """Train, killed ``kills`` times; yields when, and what the next process goes on from.

    Each fifth time it happens within two seconds of the start, otherwise after one to ``most``
    iterations.
    """
    generator = random.Random(seed)
    for number in range(kills):
        early = number % 5 == 4
        wanted = _iterations(work_dir) + generator.randint(1, most)
        delay = generator.uniform(0, 2 if early else 0.15)
        process = start(data, work_dir, options)
        while not early and process.exitcode is None and _iterations(work_dir) < wanted:
            time.sleep(0.005)
        process.join(delay)
        if process.exitcode is not None:
            raise UserError('the run ended before all kills; use more --iterations')
        process.kill()
        process.join()
        note = work_dir / 'last_checkpoint'
        found = Path(note.read_text()).name if note.is_file() else 'nothing'
        lines = [line for line in _lines(work_dir) if line.endswith('}')]
        last = json.loads(lines[-1])['step'] if lines else 0
        yield f'{"starting" if early else f"after iteration {last}"}, going on from {found}'
    process = start(data, work_dir, options)
    process.join()
    if process.exitcode:
        raise UserError('the resumed run failed')


def _iterations(work_dir: Path) -> int:
    """How many iterations all runs in ``work_dir`` have made, repeated ones included."""
    return sum('"loss"' in line for line in _lines(work_dir))


def _lines(work_dir: Path) -> list[str]:
    """All lines that the runs in ``work_dir`` have logged; the last may be half a line."""
    logs = sorted(work_dir.glob('*/vis_data/scalars.json'))
    return [line for log in logs for line in log.read_text().splitlines()]


def differences(one: Any, other: Any, name: str = '') -> list[str]:
    """Where two checkpoints differ, to the last bit; times are left out."""
    if isinstance(one, HistoryBuffer):
        one, other = list(one.data), list(other.data)
    if isinstance(one, dict):
        keys = [key for key in one.keys() | other.keys() if str(key).split('/')[-1] not in TIMES]
        missing = [f'{name}.{key}' for key in keys if key not in one or key not in other]
        both = [key for key in keys if key in one and key in other]
        return missing + [
            d for key in both for d in differences(one[key], other[key], f'{name}.{key}')
        ]
    if isinstance(one, (list, tuple)) and len(one) == len(other):
        return [
            d for i, pair in enumerate(zip(one, other)) for d in differences(*pair, f'{name}.{i}')
        ]
    if isinstance(one, (torch.Tensor, np.ndarray)):
        same = one.shape == other.shape and one.dtype == other.dtype
        same = same and np.asarray(one).tobytes() == np.asarray(other).tobytes()
        return [] if same else [name]
    return [] if one == other else [name]


def final_state(work_dir: Path) -> dict[str, Any]:
    """What must be equal at the end of two runs."""
    checkpoint = load_checkpoint_file((work_dir / 'last_checkpoint').read_text())
    hub = checkpoint['message_hub']
    keep = ('state_dict', 'ema_state_dict', 'optimizer', 'param_schedulers')
    state = {key: checkpoint[key] for key in keep}
    state['iter'] = checkpoint['meta']['iter']
    state['histories'] = dict(hub['log_scalars'])
    state['kept'] = hub['runtime_info']['keep_ckpt_ids']
    state['log'] = logged(work_dir)
    return state


def logged(work_dir: Path) -> dict[int, dict[str, float]]:
    """The scalars of each iteration, as the last process that did it wrote them."""
    scalars: dict[int, dict[str, float]] = {}
    for line in _lines(work_dir):
        if line.endswith('}'):
            row = json.loads(line)
            scalars.setdefault(row['step'], {}).update(row)
    return scalars


@exit_on_user_error
def main() -> None:
    """Run both and compare."""
    parser = new_parser(__doc__)
    parser.add_argument('--kills', type=int, default=25, help='how often the run is killed')
    parser.add_argument('--iterations', type=int, default=160, help='length of the run')
    parser.add_argument('--interval', type=int, default=3, help='iterations between checkpoints')
    parser.add_argument('--seed', type=int, default=0, help='seed of the moments')
    parser.add_argument('--work-dir', type=Path, help='keep the runs here')
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        root = args.work_dir or Path(temporary)
        data = root / 'data'
        if not data.is_dir():
            make_demo_data(data, seed=0, train=24, val=2, size=128)
        options = {
            'train_cfg.max_iters': args.iterations,
            'default_hooks.checkpoint.interval': args.interval,
        }
        begin = time.perf_counter()
        process = start(data, root / 'undisturbed', options)
        process.join()
        if process.exitcode:
            raise UserError('the undisturbed run failed, see above')
        seconds = time.perf_counter() - begin
        print(f'undisturbed: {args.iterations} iterations in {seconds:.1f} s', flush=True)
        killed = train_killed(data, root / 'killed', options, args.kills, args.seed)
        for number, found in enumerate(killed, 1):
            print(f'kill {number}: {found}', flush=True)
        wrong = differences(final_state(root / 'undisturbed'), final_state(root / 'killed'))
        print(f'{args.kills} kills: {len(wrong)} differences', *wrong[:10], sep='\n  ')
        sys.exit(bool(wrong))


if __name__ == '__main__':
    main()
