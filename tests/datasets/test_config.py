"""The base config of WIDER FACE gives the network what it needs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import DefaultScope

import mmbfbox.datasets  # noqa: F401, registers the data sets

CONFIG = Path(__file__).resolve().parents[2] / 'configs/_base_/datasets/wider_face.py'


@pytest.fixture(scope='module')
def config():
    return Config.fromfile(CONFIG)


def build(config, shared_data, loader):
    keys = dict(config[loader].dataset, data_root=str(shared_data / 'wider_mini'))
    with DefaultScope.overwrite_default_scope('mmdet'):
        return DATASETS.build(keys)


def test_training_samples(config, shared_data):
    dataset = build(config, shared_data, 'train_dataloader')
    assert len(dataset) == 994 - 200
    np.random.seed(0)
    for index in range(0, 794, 80):
        sample = dataset[index]
        assert sample['inputs'].shape == (3, 640, 640) and sample['inputs'].dtype == torch.uint8
        faces = sample['data_samples'].gt_instances
        assert (faces.labels == 0).all() and len(faces.labels) == len(faces.bboxes)
        assert sample['data_samples'].skipped == ()


def test_test_samples_are_whole_images(config, shared_data):
    dataset = build(config, shared_data, 'val_dataloader')
    assert len(dataset) == 303
    sample = dataset[5]
    assert sample['inputs'].shape[1:] == sample['data_samples'].ori_shape
    assert len(sample['data_samples'].gt_boxes) == len(sample['data_samples'].gt_valid) > 0


@pytest.mark.parametrize(
    ('loader', 'number'), [('held_out_dataloader', 200), ('recalibration_dataloader', 500)]
)
def test_search_images_are_letterboxed_and_always_the_same(config, shared_data, loader, number):
    dataset = build(config, shared_data, loader)
    assert len(dataset) == number
    for index in (0, 50, 150):
        sample, again = dataset[index], dataset[index]
        assert torch.equal(sample['inputs'], again['inputs'])
        meta = sample['data_samples'].metainfo
        height, width = meta['ori_shape']
        expected = np.array(meta['scale_factor']) * (width, height)
        assert sample['inputs'].shape == (3, 640, 640)
        np.testing.assert_allclose(expected.max(), 640, atol=1)
        assert (meta['gt_boxes'][:, 2:] > meta['gt_boxes'][:, :2]).all()
