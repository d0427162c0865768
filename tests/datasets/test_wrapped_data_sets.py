"""Wrappers of data sets do not loosen augmentation from the sample's key."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch
from mmdet.registry import DATASETS
from torch.utils.data import DataLoader

from mmbfbox.datasets import ResumableSampler
from tests.datasets.small_wider import PACK, TRAINING, settings

MOSAIC = [dict(type='Mosaic', img_scale=(48, 48)), dict(type='RandomFlip', prob=0.5), PACK]


def wrapped(wrapper: str, root):
    one = settings(root, pipeline=[*TRAINING, PACK])
    config = {
        'none': one,
        'concat': dict(type='ConcatDataset', datasets=[one, one]),
        'repeat': dict(type='RepeatDataset', times=3, dataset=one),
        'balanced': dict(type='ClassBalancedDataset', oversample_thr=0.5, dataset=one),
        'mix': dict(
            type='MultiImageMixDataset',
            dataset=settings(root, pipeline=TRAINING),
            pipeline=MOSAIC,
        ),
        'mix of concat': dict(
            type='MultiImageMixDataset',
            dataset=dict(
                type='ConcatDataset', datasets=[settings(root, pipeline=TRAINING)] * 2
            ),
            pipeline=MOSAIC,
        ),
    }[wrapper]  # fmt: skip
    return DATASETS.build(config)


def samples(dataset, workers: int, start: int, number: int):
    sampler = ResumableSampler(dataset, seed=0)
    sampler.start_at(start, seed=0)
    loader = DataLoader(dataset, 2, sampler=sampler, num_workers=workers, collate_fn=list)
    return [sample for batch in islice(loader, number) for sample in batch]


@pytest.mark.parametrize(
    'wrapper', ['none', 'concat', 'repeat', 'balanced', 'mix', 'mix of concat']
)
def test_samples_depend_neither_on_workers_nor_on_where_a_run_goes_on(wider, wrapper):
    runs = []
    for workers, start in ((0, 0), (2, 0), (1, 4)):
        np.random.seed(workers)
        torch.manual_seed(workers)
        runs.append(samples(wrapped(wrapper, wider), workers, start, 6 - start // 2))
    for run in runs[1:]:
        for one, other in zip(runs[0][-len(run) :], run, strict=True):
            assert one['data_samples'].img_id == other['data_samples'].img_id
            assert torch.equal(one['inputs'], other['inputs'])
            boxes = [sample['data_samples'].gt_instances.bboxes.tensor for sample in (one, other)]
            assert torch.equal(*boxes)
    images = {sample['inputs'].numpy().tobytes() for sample in runs[0]}
    assert len(images) == len(runs[0])  # each position is augmented in its own way
