"""Makes this folder's files; run with the code of the commit whose training is to be kept.

cd CHECKOUT_OF_844bced; PYTHONPATH=. python .../tests/data/training_before/make.py /tmp/training_before
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from mmdet.registry import DATASETS
from mmdet.structures import DetDataSample
from mmengine import Config
from mmengine.runner import Runner
from mmengine.structures import InstanceData
from torch.utils.data import Dataset

import mmbfbox.engine  # noqa: F401, registers the loop and the hooks
from mmbfbox.datasets import SampleIndex
from mmbfbox.datasets.randomness import seeded

STOP, END = 4, 8
SIZE = 64


@DATASETS.register_module()
class NoiseWithFaces(Dataset):
    """Images of noise with one face each, drawn from the sample's key."""

    metainfo = dict(classes=('face',))

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: SampleIndex) -> dict[str, Any]:
        with seeded(*index.key):
            image = torch.randint(0, 256, (3, SIZE, SIZE), dtype=torch.uint8)
            corner = torch.rand(1, 2) * SIZE / 2
        meta = dict(img_shape=(SIZE, SIZE), ori_shape=(SIZE, SIZE), scale_factor=(1, 1))
        sample = DetDataSample(metainfo=meta)
        boxes = torch.cat([corner, corner + SIZE / 3], 1)
        sample.gt_instances = InstanceData(bboxes=boxes, labels=torch.zeros(1).long())
        sample.ignored_instances = InstanceData(bboxes=torch.zeros(0, 4))
        return dict(inputs=image, data_samples=sample)


def run(config: Config, folder: str, end: int, **keys: Any) -> Runner:
    """Train up to iteration ``end`` in ``folder``."""
    torch.set_num_threads(1)
    config.merge_from_dict({'work_dir': folder, 'train_cfg.max_iters': end, **keys})
    config.experiment_name = f'{Path(folder).name}_{end}'
    runner = Runner.from_cfg(config)
    runner.train()
    return runner


def summary(runner: Runner) -> dict[str, Any]:
    """Losses of all iterations, and the weights as numbers and as a digest of their bits."""
    state = runner.model.state_dict()
    bits = b''.join(value.numpy().tobytes() for value in state.values())
    losses = runner.message_hub.get_scalar('train/loss').data[0]
    return dict(
        losses=[float(loss) for loss in losses],
        norms={name: float(value.double().norm()) for name, value in state.items()},
        digest=hashlib.sha256(bits).hexdigest(),
    )


def main(folder: str) -> None:
    model = Config.fromfile('configs/_base_/models/bfbox.py').model
    widths = [8, 8]
    model.backbone.update(stem_channels=4, out_channels=widths, depths=[1, 1], shallow_stages=1)
    model.backbone.update(shallow_choices=['conv3', 'dw3'], deep_choices=['conv3', 'dw3'])
    model.neck.update(in_channels=widths, channels=8, targets=[2, 3])
    model.bbox_head.update(in_channels=8)
    model.bbox_head.anchor_generator.update(strides=[4, 8])
    config = Config(
        dict(
            default_scope='mmdet',
            model=model,
            train_dataloader=dict(
                batch_size=2,
                num_workers=0,
                dataset=dict(type='NoiseWithFaces'),
                sampler=dict(type='ResumableSampler'),
                collate_fn=dict(type='pseudo_collate'),
            ),
            train_cfg=dict(type='ResumableTrainLoop', max_iters=END, val_interval=10**9),
            optim_wrapper=dict(
                optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=5e-4),
                clip_grad=dict(max_norm=35),
            ),
            param_scheduler=dict(type='LinearLR', by_epoch=False, start_factor=0.5, end=6),
            default_hooks=dict(
                checkpoint=dict(type='SafeCheckpointHook', by_epoch=False, interval=STOP)
            ),
            custom_hooks=[
                dict(type='PathSamplingHook', seed=5, sampling='fair'),
                dict(type='LossGuardHook'),
            ],
            log_processor=dict(by_epoch=False),
            log_level='WARNING',
            randomness=dict(seed=3),
        )
    )
    os.chdir(folder)
    config.dump('config.py')
    expected = summary(run(Config.fromfile('config.py'), 'straight', END))
    Path('expected.json').write_text(json.dumps(expected, indent=1) + '\n')
    run(Config.fromfile('config.py'), 'stopped', STOP)
    for name in (f'iter_{STOP}.pth', 'last_checkpoint'):
        shutil.move(f'stopped/{name}', name)
    for name in ('stopped', 'straight'):
        shutil.rmtree(name)


if __name__ == '__main__':
    main(sys.argv[1])
