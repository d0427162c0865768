"""The data set is read from the official layout; damage and gaps are told in one sentence."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from torch._utils import ExceptionWrapper
from torch.utils.data import DataLoader

from mmbfbox.datasets import DamagedImageError, ResumableSampler, WiderFaceDataset
from mmbfbox.errors import UserError
from mmbfbox.utils.images import read_image

META_KEYS = ('img_id', 'img_path', 'scale_factor', 'skipped', 'gt_boxes', 'gt_valid')
PIPELINE = [
    dict(type='LoadFaceImage'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='PackDetInputs', meta_keys=META_KEYS),
]


@pytest.fixture(autouse=True)
def mmdet_scope():
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


def build(root: Path, **keys) -> WiderFaceDataset:
    return WiderFaceDataset(
        data_root=str(root),
        ann_file='wider_face_split/wider_face_train_bbx_gt.txt',
        data_prefix=dict(img='WIDER_train/images'),
        **dict(pipeline=PIPELINE) | keys,
    )


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Four images in two events, two faces each, the second one invalid."""
    lines = []
    for event in ('0--Parade', '1--Handshaking'):
        folder = tmp_path / 'WIDER_train' / 'images' / event
        folder.mkdir(parents=True)
        for number in range(2):
            noise = np.random.default_rng(number).integers(0, 255, (60, 80, 3), dtype=np.uint8)
            cv2.imwrite(str(folder / f'{number}.jpg'), noise)
            lines += [f'{event}/{number}.jpg', '2']
            lines += ['5 6 20 30 0 0 0 0 0 0', '40 10 9 12 2 0 0 1 0 0']
    split = tmp_path / 'wider_face_split'
    split.mkdir()
    (split / 'wider_face_train_bbx_gt.txt').write_text('\n'.join(lines))
    return tmp_path


def cut_off(root: Path, name: str) -> Path:
    path = root / 'WIDER_train' / 'images' / name
    path.write_bytes(path.read_bytes()[:-40])
    return path


def test_real_data_set(shared_data):
    dataset = build(shared_data / 'wider_mini')
    assert len(dataset) == 994
    assert dataset.metainfo['classes'] == ('face',)
    infos = [dataset.get_data_info(index) for index in range(len(dataset))]
    assert sum(len(info['instances']) for info in infos) == 10676 - 6
    ignored = sum(face['ignore_flag'] for info in infos for face in info['instances'])
    assert ignored == 195
    assert infos[1]['img_id'] == '0--Parade/0_Parade_Parade_0_286'


def test_invalid_faces(small):
    ignore, keep, drop = (
        build(small, invalid_faces=mode)[0]['data_samples'] for mode in ('ignore', 'keep', 'drop')
    )
    assert (len(ignore.gt_instances), len(ignore.ignored_instances)) == (1, 1)
    assert (len(keep.gt_instances), len(keep.ignored_instances)) == (2, 0)
    assert (len(drop.gt_instances), len(drop.ignored_instances)) == (1, 0)
    assert keep.gt_instances.bboxes.tensor.tolist() == [[5, 6, 25, 36], [40, 10, 49, 22]]
    with pytest.raises(UserError, match='invalid_faces'):
        build(small, invalid_faces='hide')


@pytest.mark.parametrize('mode', ['ignore', 'keep', 'drop'])
def test_testing_knows_all_faces_of_the_original_image(small, mode):
    sample = build(small, test_mode=True, invalid_faces=mode)[3]['data_samples']
    assert sample.img_id == '1--Handshaking/1'
    assert sample.gt_boxes.dtype == np.float32
    assert sample.gt_boxes.tolist() == [[5, 6, 25, 36], [40, 10, 49, 22]]
    assert sample.gt_valid.tolist() == [True, False]
    assert sample.scale_factor == (1.0, 1.0)


def test_parts_of_the_data_set(small):
    ids = {}
    for part in ('train', 'held_out', 'recalibration'):
        dataset = build(small, part=part, held_out=2, recalibration=1)
        ids[part] = {dataset.get_data_info(index)['img_id'] for index in range(len(dataset))}
    assert {image.split('/')[0] for image in ids['held_out']} == {'0--Parade', '1--Handshaking'}
    assert not ids['held_out'] & ids['train']
    assert ids['recalibration'] <= ids['train']
    assert [len(members) for members in ids.values()] == [2, 2, 1]


def test_missing_images_are_one_sentence(small):
    (small / 'WIDER_train/images/1--Handshaking/1.jpg').unlink()
    with pytest.raises(UserError, match='lacks 1 of the 4 images.*1--Handshaking/1.jpg.*unpack'):
        build(small)
    with pytest.raises(UserError, match='cannot read the annotations .* unpack'):
        build(small / 'nowhere')
    (small / 'WIDER_train').rename(small / 'elsewhere')
    with pytest.raises(UserError, match='lacks 4 of the 4 images'):
        build(small)


def test_training_takes_the_next_image_for_a_damaged_one(small):
    damaged = [cut_off(small, name) for name in ('0--Parade/1.jpg', '1--Handshaking/0.jpg')]
    dataset = build(small)
    sample = dataset[1]['data_samples']
    assert sample.img_id == '1--Handshaking/1'
    assert sample.skipped == tuple(str(path) for path in damaged)
    assert dataset[0]['data_samples'].skipped == ()


def test_training_gives_up_when_every_image_is_damaged(small):
    for name in ('0--Parade/0', '0--Parade/1', '1--Handshaking/0', '1--Handshaking/1'):
        cut_off(small, f'{name}.jpg')
    with pytest.raises(UserError, match='4 images in a row are damaged'):
        build(small)[2]


def test_a_damaged_image_ends_testing_with_one_sentence(small):
    cut_off(small, '0--Parade/1.jpg')
    dataset = build(small, test_mode=True)
    sentence = r'^the image .*0--Parade/1.jpg is cut off'
    with pytest.raises(DamagedImageError, match=sentence) as caught:
        dataset[1]
    assert '\n' not in str(caught.value)


def test_a_data_loader_worker_passes_the_sentence_on(small):
    cut_off(small, '0--Parade/1.jpg')
    try:
        build(small, test_mode=True)[1]
    except DamagedImageError as error:
        sentence = str(error)
        in_worker = ExceptionWrapper(where='in DataLoader worker process 0')
    with pytest.raises(DamagedImageError) as caught:
        in_worker.reraise()
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ('content', 'words'),
    [(b'', 'cannot be decoded'), (b'no image', 'cannot be decoded'), (None, 'cannot read')],
)
def test_what_is_no_image_is_damaged(tmp_path, content, words):
    path = tmp_path / 'face.jpg'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DamagedImageError, match=words):
        read_image(path)


def test_whole_real_images_are_read_and_cut_ones_are_found(shared_data, tmp_path):
    paths = sorted((shared_data / 'wider_mini/WIDER_val/images').glob('*/*.jpg'))[::30]
    for path in paths:
        image = read_image(path)
        assert image.ndim == 3 and image.dtype == np.uint8
        data = path.read_bytes()
        for length in (len(data) // 3, len(data) - 2000, len(data) - 2):
            cut = tmp_path / 'cut.jpg'
            cut.write_bytes(data[:length])
            with pytest.raises(DamagedImageError):
                read_image(cut)


def test_samples_do_not_depend_on_the_number_of_workers(small):
    """Photometric distortion, data-anchor-sampling and mmcv's flip draw from the sample's own key."""
    pipeline = [
        *PIPELINE[:2],
        dict(type='FacePhotometricDistortion'),
        dict(type='DataAnchorSampling', canvas=64, anchors=(16, 32)),
        dict(type='RandomFlip', prob=0.5),
        dict(type='PackDetInputs', meta_keys=('img_id', 'flip')),
    ]
    dataset = build(small, pipeline=pipeline)
    cut_off(small, '0--Parade/1.jpg')
    runs = []
    for workers, before in ((0, 1), (1, 2), (3, 3)):
        np.random.seed(before)
        loader = DataLoader(
            dataset, 2, sampler=ResumableSampler(dataset, seed=0), num_workers=workers,
            collate_fn=list,
        )  # fmt: skip
        runs.append([sample for batch in islice(loader, 6) for sample in batch])
    for run in runs[1:]:
        for one, other in zip(runs[0], run, strict=True):
            assert torch.equal(one['inputs'], other['inputs'])
            boxes = [sample['data_samples'].gt_instances.bboxes.tensor for sample in (one, other)]
            assert torch.equal(*boxes)
    same = [sample for sample in runs[0] if sample['data_samples'].img_id == '0--Parade/0']
    assert len(same) >= 3 and not torch.equal(same[0]['inputs'], same[1]['inputs'])
