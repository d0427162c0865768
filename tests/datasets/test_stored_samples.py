"""Samples that one training has rendered are those that the next one would have rendered."""

from __future__ import annotations

import errno
import os
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.registry import DATASETS
from torch.utils.data import DataLoader

from mmbfbox.datasets import ResumableSampler
from mmbfbox.errors import UserError
from tests.datasets.small_wider import TRAINING, annotations, settings

PACK = dict(
    type='PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'scale_factor', 'skipped')
)


def stored(root: Path, folder: Path, **keys):
    config = settings(root, pipeline=[*TRAINING, PACK])
    return dict(type='StoredSamples', dataset=config, folder=str(folder), **keys)


def samples(config, workers: int = 0, number: int = 6, seed: int = 0):
    dataset = DATASETS.build(config)
    sampler = ResumableSampler(dataset, seed=seed)
    loader = DataLoader(dataset, 2, sampler=sampler, num_workers=workers, collate_fn=list)
    return [sample for batch in islice(loader, number) for sample in batch]


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob('*.pth'))


def equal(one, other) -> None:
    for first, second in zip(one, other, strict=True):
        assert torch.equal(first['inputs'], second['inputs'])
        assert first['inputs'].stride() == second['inputs'].stride()
        a, b = first['data_samples'], second['data_samples']
        assert a.metainfo == b.metainfo and type(a) is type(b)
        for name in ('gt_instances', 'ignored_instances'):
            boxes = [part.get(name).bboxes for part in (a, b)]
            assert type(boxes[0]) is type(boxes[1])
            assert torch.equal(boxes[0].tensor, boxes[1].tensor)
            assert torch.equal(a.get(name).labels, b.get(name).labels)


@pytest.mark.parametrize('workers', [0, 2])
def test_what_is_read_equals_what_is_rendered_to_the_last_bit(wider, tmp_path, workers):
    rendered = samples(stored(wider, tmp_path)['dataset'])
    equal(rendered, samples(stored(wider, tmp_path), workers))
    written = {path: path.stat().st_mtime_ns for path in files(tmp_path)}
    assert len(written) >= 12
    # The global generators say nothing, and nothing is rendered again.
    np.random.seed(workers)
    equal(rendered, samples(stored(wider, tmp_path), workers))
    assert {path: path.stat().st_mtime_ns for path in written} == written


def test_other_seeds_pipelines_annotations_and_images_have_samples_of_their_own(wider, tmp_path):
    samples(stored(wider, tmp_path))
    count = len(files(tmp_path))
    samples(stored(wider, tmp_path), seed=1)
    assert len(files(tmp_path)) == 2 * count
    other = stored(wider, tmp_path)
    other['dataset']['pipeline'][3] = {**TRAINING[3], 'canvas': 32}
    assert samples(other)[0]['inputs'].shape[-1] == 32
    text = annotations(wider).read_text()
    annotations(wider).write_text(text.replace('5 6 20 30', '6 7 20 30'))
    equal(samples(stored(wider, tmp_path)), samples(stored(wider, tmp_path)['dataset']))
    image = next((wider / 'WIDER_train').rglob('*.jpg'))
    image.write_bytes(next((wider / 'WIDER_train').rglob('1.jpg')).read_bytes() + b'\0')
    equal(samples(stored(wider, tmp_path)), samples(stored(wider, tmp_path)['dataset']))
    assert len(files(tmp_path)) == 5 * count


def test_a_damaged_file_is_rendered_again_and_the_limit_is_kept(wider, tmp_path):
    rendered = samples(stored(wider, tmp_path))
    cut, replaced = files(tmp_path)[:2]
    cut.write_bytes(cut.read_bytes()[:200])
    torch.save({'inputs': Path('a')}, replaced)
    equal(rendered, samples(stored(wider, tmp_path)))
    one = rendered[0]['inputs'].nbytes
    equal(rendered, samples(stored(wider, tmp_path / 'few', gigabytes=3.5 * one / 1e9)))
    assert len(files(tmp_path / 'few')) == 3


def test_a_damaged_image_is_replaced_and_named_as_without_storing(wider, tmp_path):
    image = next((wider / 'WIDER_train').rglob('1.jpg'))
    image.write_bytes(image.read_bytes()[:300])
    rendered = samples(stored(wider, tmp_path)['dataset'])
    assert any(sample['data_samples'].get('skipped') for sample in rendered)
    for _ in range(2):
        equal(rendered, samples(stored(wider, tmp_path)))


def test_a_full_disk_ends_the_storing_and_not_the_training(wider, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(torch, 'save', full)
    rendered = samples(stored(wider, tmp_path)['dataset'])
    with pytest.warns(UserWarning, match='no room for stored samples'):
        equal(rendered, samples(stored(wider, tmp_path)))
    assert not list(tmp_path.rglob('*.pth'))


def test_a_sample_without_a_place_in_a_run_is_rendered(wider, tmp_path):
    dataset = DATASETS.build(stored(wider, tmp_path))
    assert len(dataset) == 4 and dataset[0]['inputs'].shape == (3, 64, 64)
    assert not files(tmp_path)
    assert dataset.get_data_info(0)['img_id'] and dataset.metainfo['classes'] == ('face',)


@pytest.mark.parametrize(
    'keys', [dict(gigabytes=-1), dict(gigabytes='a'), dict(folder=None), dict(dataset=3)]
)
def test_odd_settings_are_one_sentence(wider, tmp_path, keys):
    with pytest.raises(UserError, match='StoredSamples has'):
        DATASETS.build({**stored(wider, tmp_path), **keys})
