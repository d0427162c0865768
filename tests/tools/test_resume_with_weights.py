"""`--resume` beside `load_from`: a new run starts from these weights, a stopped one from its own."""

from __future__ import annotations

from pathlib import Path

import torch

from mmbfbox.engine import load_checkpoint_file
from tests.running_tools import run

CONFIG = 'demo/bfbox_supernet_demo'


def train(data: Path, folder: Path, iterations: int, weights: Path) -> dict[str, torch.Tensor]:
    """Weights after so many iterations that change nothing but the count."""
    options = [
        'supernet_check=None', f'train_cfg.max_iters={iterations}', f'load_from={weights}',
        'default_hooks.checkpoint.interval=1', 'train_dataloader.num_workers=0',
        'train_dataloader.persistent_workers=False', 'train_dataloader.batch_size=2',
        'train_dataloader.dataset.pipeline.3.transforms.0.canvas=64', 'optim_wrapper.optimizer.lr=0.0',
        *(f'{loader}_dataloader.dataset.{key}' for loader in ('train', 'held_out', 'recalibration')
          for key in ('held_out=12', 'recalibration=8')),
    ]  # fmt: skip
    run(
        'train', CONFIG, '--work-dir', folder, '--data-root', data, '--resume', '--cfg-options',
        *options,
    )  # fmt: skip
    return load_checkpoint_file(folder / f'iter_{iterations}.pth')['state_dict']


def test_a_run_that_has_nothing_to_resume_starts_from_the_weights_that_it_was_given(
    data, averaged_supernet, tmp_path
):
    name = 'bbox_head.retina_cls.0.weight'
    other = load_checkpoint_file(averaged_supernet)
    other['state_dict'][name] = torch.full_like(other['state_dict'][name], 0.25)
    given = tmp_path / 'given.pth'
    torch.save(dict(state_dict=other['state_dict'], meta=other['meta']), given)
    first = train(data, tmp_path / 'run', 1, given)
    assert torch.equal(first[name], other['state_dict'][name])
    # Now it has something: its own checkpoint, whatever stands in the file.
    other['state_dict'][name] = torch.zeros_like(other['state_dict'][name])
    torch.save(dict(state_dict=other['state_dict'], meta=other['meta']), given)
    second = train(data, tmp_path / 'run', 2, given)
    assert torch.equal(second[name], first[name])
