"""The demo's data set is a small WIDER FACE: readable, repeatable, and fair to validation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import DefaultScope

from mmbfbox.datasets import WiderFaceDataset
from mmbfbox.datasets.demo.make import make_demo_data
from mmbfbox.datasets.demo.sources import load_sources
from mmbfbox.datasets.wider_annotations import parse_wider_annotations
from mmbfbox.errors import UserError
from mmbfbox.evaluation.wider.ground_truth import WiderGroundTruth

pytest.importorskip('skimage', reason='the demo images are made of photographs in scikit-image')
SIZES = dict(train=24, val=36, size=192)


@pytest.fixture(scope='module')
def demo(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('demo')
    make_demo_data(folder, seed=3, **SIZES)
    return folder


def records(folder: Path, split: str):
    return parse_wider_annotations(folder / f'wider_face_split/wider_face_{split}_bbx_gt.txt')


@pytest.mark.parametrize('split', ['train', 'val'])
def test_data_set_reads_it(demo, split):
    with DefaultScope.overwrite_default_scope('mmdet'):
        dataset = WiderFaceDataset(
            data_root=str(demo),
            ann_file=f'wider_face_split/wider_face_{split}_bbx_gt.txt',
            data_prefix=dict(img=f'WIDER_{split}/images'),
            test_mode=True,
            pipeline=[
                dict(type='LoadFaceImage'),
                dict(type='PackDetInputs', meta_keys=('gt_boxes',)),
            ],
        )
        samples = [dataset[index] for index in range(len(dataset))]
    assert len(samples) == SIZES[split]
    boxes = np.concatenate([sample['data_samples'].gt_boxes for sample in samples])
    assert all(sample['inputs'].shape == (3, 192, 192) for sample in samples)
    assert (boxes >= 0).all() and (boxes <= 192).all()
    heights = boxes[:, 3] - boxes[:, 1]
    assert len(boxes) > 2 * len(samples)
    assert np.median(heights) < 40 and heights.min() >= 4 and heights.max() > 60


def test_ground_truth_belongs_to_the_annotations(demo):
    truth = WiderGroundTruth.from_mats(demo / 'ground_truth')
    boxes, keep = truth.boxes, truth.keep
    annotated = records(demo, 'val')
    assert list(truth.names) == [record.image_id for record in annotated]
    for index, record in enumerate(annotated):
        corners = boxes[index] + np.pad(boxes[index][:, :2], ((0, 0), (2, 0)))
        np.testing.assert_array_equal(corners, record.boxes)
        assert len(record.boxes) and not keep['hard'][index][record.invalid].any()
        assert not (keep['easy'][index] & ~keep['medium'][index]).any()
        assert not (keep['medium'][index] & ~keep['hard'][index]).any()
    counts = {subset: sum(mask.sum() for mask in masks) for subset, masks in keep.items()}
    assert 0 < counts['easy'] < counts['medium'] < counts['hard']


def test_the_same_seed_gives_the_same_data_set(demo, tmp_path):
    make_demo_data(tmp_path, seed=3, **SIZES)
    files = sorted(path.relative_to(demo) for path in demo.rglob('*.*') if path.suffix != '.mat')
    assert len(files) == SIZES['train'] + SIZES['val'] + 2
    for file in files:
        assert (demo / file).read_bytes() == (tmp_path / file).read_bytes()
    for one, other in zip(
        WiderGroundTruth.from_mats(demo / 'ground_truth').boxes,
        WiderGroundTruth.from_mats(tmp_path / 'ground_truth').boxes,
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_nobody_and_no_background_is_in_both_splits():
    sources = load_sources(seed=0)
    train, val = sources['train'], sources['val']
    for kind in ('faces', 'distractors'):
        seen = {crop.tobytes() for crop in getattr(train, kind)}
        assert not seen & {crop.tobytes() for crop in getattr(val, kind)}
    assert len(train.faces) + len(val.faces) == 100
    assert [name for name, _ in train.backgrounds] == [name for name, _ in val.backgrounds]
    from skimage import data

    whole = data.coffee()
    parts = dict(train.backgrounds)['coffee'], dict(val.backgrounds)['coffee']
    assert parts[0].shape[1] + parts[1].shape[1] == whole.shape[1]
    joined = np.hstack(parts)[..., ::-1] * 255
    np.testing.assert_allclose(joined, whole, atol=1e-4)


def test_sizes_out_of_range_are_refused(tmp_path):
    with pytest.raises(UserError, match='give at least one image'):
        make_demo_data(tmp_path, train=0)
