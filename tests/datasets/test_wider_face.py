"""The data set is read from the official layout; damage and gaps are told in one sentence."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData
from torch._utils import ExceptionWrapper
from torch.utils.data import DataLoader

from mmbfbox.datasets import DamagedImageError, ResumableSampler, WiderFaceDataset
from mmbfbox.errors import UserError
from mmbfbox.evaluation.metrics import WiderFaceMetric
from mmbfbox.utils.images import read_image

META_KEYS = ('img_id', 'img_path', 'scale_factor', 'skipped', 'gt_boxes', 'gt_valid')
PIPELINE = [
    dict(type='LoadFaceImage'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='PackDetInputs', meta_keys=META_KEYS),
]
STRICT = [dict(type='LoadFaceImage', strict=True), *PIPELINE[1:]]


@pytest.fixture(autouse=True)
def mmdet_scope():
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


def build(root: Path, **keys) -> WiderFaceDataset:
    return WiderFaceDataset(
        data_root=str(root),
        data_prefix=dict(img='WIDER_train/images'),
        **dict(pipeline=PIPELINE, ann_file='wider_face_split/wider_face_train_bbx_gt.txt') | keys,
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


@pytest.fixture
def said() -> Iterator[list[str]]:
    """What mmengine's own logger says."""
    messages: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    logger.setLevel(logger.level)  # forgets what logging.disable has made it note
    yield messages
    logger.removeHandler(handler)


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
    dataset = build(small, pipeline=STRICT)
    sample = dataset[1]['data_samples']
    assert sample.img_id == '1--Handshaking/1'
    assert sample.skipped == tuple(str(path) for path in damaged)
    assert dataset[0]['data_samples'].skipped == ()


@pytest.mark.parametrize('shape', [(1, 1), (60, 1), (1, 60)])
@pytest.mark.parametrize('direction', ['horizontal', 'vertical', 'diagonal'])
def test_an_image_a_pixel_thin_is_flipped_like_any_other(small, shape, direction):
    """A flip of its one column gives strides that torch cannot read."""
    path = small / 'WIDER_train/images/0--Parade/1.jpg'
    assert cv2.imwrite(str(path), np.zeros((*shape, 3), np.uint8))
    flip = dict(type='RandomFlip', prob=1.0, direction=direction)
    sample = build(small, pipeline=[*STRICT[:2], flip, *STRICT[2:]])[1]
    assert tuple(sample['inputs'].shape) == (3, *shape)
    assert sample['data_samples'].skipped == ()


def test_training_gives_up_when_every_image_is_damaged(small):
    for name in ('0--Parade/0', '0--Parade/1', '1--Handshaking/0', '1--Handshaking/1'):
        cut_off(small, f'{name}.jpg')
    with pytest.raises(UserError, match='4 images in a row are damaged'):
        build(small, pipeline=STRICT)[2]


def test_testing_reads_a_cut_image_as_others_do_and_names_it_once(small, said):
    path = cut_off(small, '0--Parade/1.jpg')
    dataset = build(small, test_mode=True)
    sample = [dataset[1] for _ in range(2)][1]
    image = cv2.imread(str(path))
    assert np.array_equal(sample['inputs'].permute(1, 2, 0).numpy(), image)
    assert 'unreadable' not in sample['data_samples']
    (sentence,) = {words for words in said if str(path) in words}
    assert said.count(sentence) == 1
    assert f'{path} is cut off after' in sentence and 'used as far as it can be read' in sentence


@pytest.mark.parametrize('content', [b'', b'<html>404</html>', b'\xff\xd8\xff\xe0'])
def test_a_test_goes_on_without_an_image_that_nobody_can_read(small, said, content):
    path = small / 'WIDER_train/images/0--Parade/1.jpg'
    path.write_bytes(content)
    dataset = build(small, test_mode=True)
    samples = [dataset[index]['data_samples'] for index in (0, 1, 1, 2, 3)]
    assert [sample.get('unreadable') for sample in samples] == [None, True, True, None, None]
    assert samples[1].img_path == str(path) and samples[1].img_id == '0--Parade/1'
    (sentence,) = {words for words in said if str(path) in words}
    assert said.count(sentence) == 1
    assert sentence.startswith(f'counts as an image without detections: the image {path}')
    # What a network sees in the stand-in is no detection.
    metric = WiderFaceMetric()
    for sample in samples:
        found = dict(bboxes=torch.tensor([[5.0, 6, 25, 36]]), scores=torch.tensor([0.9]))
        sample.pred_instances = InstanceData(**found)
    metric.process(None, [samples[index].to_dict() for index in (0, 1, 3, 4)])
    assert [len(result['detections']) for result in metric.results] == [1, 0, 1, 1]


@pytest.mark.parametrize('part', ['held_out', 'recalibration'])
def test_candidates_are_not_scored_with_an_image_that_nobody_can_read(small, part):
    for name in ('0--Parade/0', '0--Parade/1', '1--Handshaking/0', '1--Handshaking/1'):
        (small / f'WIDER_train/images/{name}.jpg').write_bytes(b'no image')
    dataset = build(small, part=part, held_out=2, recalibration=2, test_mode=True)
    with pytest.raises(DamagedImageError, match='cannot be decoded') as caught:
        dataset[0]
    assert '\n' not in str(caught.value)


def test_a_test_ends_soon_where_nothing_can_be_read(small):
    lines = []
    for number in range(40):
        (small / f'WIDER_train/images/0--Parade/x{number}.jpg').write_bytes(
            b'version https://git-lfs'
        )
        lines += [f'0--Parade/x{number}.jpg', '1', '5 6 20 30 0 0 0 0 0 0']
    (small / 'wider_face_split/wider_face_train_bbx_gt.txt').write_text('\n'.join(lines))
    dataset = build(small, test_mode=True)
    with pytest.raises(UserError, match='16 of 16 test images cannot be read'):
        for index in range(40):
            dataset[index]


def test_a_data_loader_worker_passes_the_sentence_on(small):
    cut_off(small, '0--Parade/1.jpg')
    path = small / 'WIDER_train/images/0--Parade/1.jpg'
    try:
        read_image(path, strict=True)
    except DamagedImageError as error:
        sentence = str(error)
        in_worker = ExceptionWrapper(where='in DataLoader worker process 0')
    with pytest.raises(DamagedImageError) as caught:
        in_worker.reraise()
    assert str(caught.value) == sentence


def test_an_image_that_comes_twice_is_refused_with_both_lines(small):
    path = small / 'wider_face_split/wider_face_train_bbx_gt.txt'
    path.write_text(path.read_text() + '\n\n0--Parade/1.jpg\n1\n1 2 3 4 0 0 0 0 0 0\n')
    with pytest.raises(UserError, match=r'0--Parade/1.jpg in line 5 and again in line 18; put'):
        build(small)


def test_images_whose_detections_would_have_one_name_can_be_trained_on_but_not_tested(small):
    folder = small / 'WIDER_train/images/0--Parade'
    cv2.imwrite(str(folder / '1.png'), np.zeros((30, 30, 3), np.uint8))
    path = small / 'wider_face_split/wider_face_train_bbx_gt.txt'
    path.write_text(path.read_text() + '\n0--Parade/1.png\n1\n1 2 3 4 0 0 0 0 0 0\n')
    assert len(build(small)) == 5
    with pytest.raises(UserError, match='0--Parade/1.jpg and 0--Parade/1.png.*same name'):
        build(small, test_mode=True)


@pytest.fixture
def file_list(small) -> str:
    """As ``wider_face_test_filelist.txt``: names alone."""
    name = 'wider_face_split/wider_face_test_filelist.txt'
    images = ('0--Parade/1', '0--Parade/0', '1--Handshaking/1')
    (small / name).write_text('\n'.join(f'{image}.jpg' for image in images) + '\n')
    return name


def test_a_list_of_files_can_be_tested_on(small, file_list):
    dataset = build(small, ann_file=file_list, test_mode=True)
    samples = [dataset[index]['data_samples'] for index in range(3)]
    ids = ['0--Parade/1', '0--Parade/0', '1--Handshaking/1']
    assert [sample.img_id for sample in samples] == ids
    assert all(sample.gt_boxes.shape == (0, 4) and not len(sample.gt_valid) for sample in samples)


def test_a_list_of_files_is_no_training_set_and_its_faults_are_named(small, file_list):
    for keys in (dict(), dict(part='held_out', test_mode=True)):
        with pytest.raises(UserError, match='lists images without faces.*bbx_gt'):
            build(small, ann_file=file_list, **keys)
    (small / file_list).write_text('0--Parade/1.jpg\n0--Parade/0.jpg\n0--Parade/1.jpg\n')
    with pytest.raises(UserError, match='0--Parade/1.jpg in line 1 and again in line 3'):
        build(small, ann_file=file_list, test_mode=True)
    (small / file_list).write_text('0--Parade/1.jpg\n0--Parade/0.jpg\nno name\n')
    with pytest.raises(UserError, match="line 3: found 'no name' where an image name"):
        build(small, ann_file=file_list, test_mode=True)


def test_parts_that_do_not_fit_name_the_keys_of_the_config(small):
    keys = 'lower dataset.held_out and dataset.recalibration, to the same in train_dataloader'
    with pytest.raises(UserError, match=f'held_out=80 .* do not fit into the 4 images.*{keys}'):
        build(small, part='train', held_out=80)
    with pytest.raises(UserError, match="no image for dataset.part='train'.*dataset.held_out"):
        build(small, part='train', held_out=4, recalibration=0)


def test_hidden_files_of_systems_beside_the_images_change_nothing(small):
    for folder in (small / 'WIDER_train/images', small / 'WIDER_train/images/0--Parade'):
        (folder / '.DS_Store').write_bytes(b'Bud1')
        (folder / '._0.jpg').write_bytes(b'Mac OS X')
        (folder / 'Thumbs.db').write_bytes(b'\xd0\xcf')
        (folder / '.ipynb_checkpoints').mkdir()
    assert [build(small)[index]['data_samples'].skipped for index in range(4)] == [()] * 4


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
                read_image(cut, strict=True)
        assert read_image(cut).shape == image.shape


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
