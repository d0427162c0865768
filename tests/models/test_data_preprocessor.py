"""Batches are what mmdet's preprocessor makes of them."""

from __future__ import annotations

import pytest
import torch
from mmdet.models import DetDataPreprocessor
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample

from mmbfbox.errors import UserError
from tests.reading import counted_reads


def batch(*sizes, dtype=torch.uint8):
    generator = torch.Generator().manual_seed(0)
    images = [
        torch.randint(0, 256, (3, *size), generator=generator, dtype=torch.uint8).to(dtype)
        for size in sizes
    ]
    return dict(inputs=images, data_samples=[DetDataSample() for _ in images])


@pytest.fixture
def both(supernet_config):
    settings = dict(supernet_config.model.data_preprocessor, pad_size_divisor=32)
    ours = MODELS.build(settings)
    return ours, MODELS.build(dict(settings, type='DetDataPreprocessor'))


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize('sizes', [[(64, 64)] * 3, [(50, 70)] * 2, [(64, 64), (40, 90)]])
def test_equals_mmdet_to_the_last_bit(both, sizes, training):
    ours, theirs = (part(batch(*sizes), training) for part in both)
    assert torch.equal(ours['inputs'], theirs['inputs'])
    for own, expected in zip(ours['data_samples'], theirs['data_samples']):
        assert own.metainfo == expected.metainfo
        assert own.pad_shape[0] % 32 == own.pad_shape[1] % 32 == 0


def test_images_of_other_types_and_orders_are_right(supernet_config):
    settings = dict(supernet_config.model.data_preprocessor, bgr_to_rgb=False)
    data = batch((32, 32), (32, 32), dtype=torch.float32)
    expected = DetDataPreprocessor(**{k: v for k, v in settings.items() if k != 'type'})
    assert torch.equal(MODELS.build(settings)(data, True)['inputs'], expected(data, True)['inputs'])


def test_the_callers_batch_is_left_alone_and_nothing_is_read(both):
    data = batch((64, 64), (64, 64))
    before = [image.clone() for image in data['inputs']]
    with counted_reads() as reads:
        both[0](data, True)
    assert not reads and all(map(torch.equal, before, data['inputs']))
    # An index would be copied to the device, and waited for.
    assert both[0]._channel_conversion


@pytest.mark.parametrize('training', [True, False])
def test_a_pipeline_that_leaves_images_undecoded_is_named(both, training):
    """Without pixels, packing gives no inputs."""
    samples = batch((64, 64))['data_samples']
    with pytest.raises(UserError, match='no images.* DecodeFaceImage before PackDetInputs'):
        both[0](dict(data_samples=samples), training)
