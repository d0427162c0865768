"""Images are read in one way in training, tests and pictures, whatever their shape or orientation mark."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

import mmbfbox
from mmbfbox.deploy.faces import Faces
from mmbfbox.engine.hooks.detection_pictures_hook import draw_detections, sheet
from mmbfbox.evaluation.wider.contact_sheet import CAPTION, HEIGHT, WIDTH, draw_errors, find_image
from mmbfbox.utils.config import load_config
from tests.datasets.small_wider import NAMES, PACK, TRAINING, build, turn_by_exif, write_wider

SHAPES = [(1, 1), (1, 500), (500, 1), (3, 3000), (3000, 3), (2, 2), (1200, 9)]
"""Heights and widths."""


def found_on(path, boxes) -> DetDataSample:
    sample = DetDataSample(metainfo=dict(img_id='0--Parade/0', img_path=str(path)))
    sample.pred_instances = InstanceData(
        bboxes=torch.tensor(boxes).reshape(-1, 4), scores=torch.full((len(boxes),), 0.9)
    )
    return sample


@pytest.fixture
def turned(wider):
    """An image with one bright corner, marked as turned."""
    path = wider / 'WIDER_train/images' / NAMES[0]
    image = np.zeros((60, 80, 3), np.uint8)
    image[:30, :40] = 255
    cv2.imwrite(str(path), image)
    turn_by_exif(path)
    assert cv2.imread(str(path)).shape[:2] == (80, 60)  # as a viewer would show it
    return wider


def test_a_turned_image_is_as_stored_for_training_testing_and_every_picture(turned):
    """Where its boxes are, too."""
    pixels = build(turned, test_mode=True)[0]['inputs'].permute(1, 2, 0).numpy()
    assert pixels.shape == (60, 80, 3)
    picture = draw_detections(found_on(turned / 'WIDER_train/images' / NAMES[0], []), 0.5)
    assert picture.shape == (360, 480, 3)
    stored = find_image(turned / 'WIDER_train/images', '0--Parade/0')
    assert np.array_equal(stored, pixels)
    for shown in (pixels, cv2.resize(picture, (80, 60)), stored):
        assert shown[5:25, 5:35].min() > 250 and shown[35:].max() < 5 and shown[:, 45:].max() < 5


@pytest.mark.parametrize('shape', SHAPES)
def test_pictures_can_be_drawn_of_images_of_any_shape(tmp_path, shape):
    image = np.full((*shape, 3), 200, np.uint8)
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    box = [0.0, 0.0, float(shape[1]), float(shape[0])]
    picture = draw_detections(found_on(tmp_path / 'a.png', [box]), 0.5)
    assert max(picture.shape) == 480 and min(picture.shape[:2]) >= 1
    assert sheet([picture, picture]).shape[0] == picture.shape[0]
    boxes = np.array([[0.0, 0, *shape[::-1]]])
    cell = draw_errors(image, boxes, boxes, boxes[:0], 'name')
    assert cell.shape == (HEIGHT + CAPTION, WIDTH, 3)


def test_boxes_far_outside_of_a_picture_are_drawn_as_nothing(tmp_path):
    image = np.full((40, 60, 3), 7, dtype=np.uint8)
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    far = [[1e15, -1e15, 2e15, 30.0], [-1e12, 1e12, np.inf, 1e13], [np.nan, 5, np.nan, 9]]
    plain = draw_detections(found_on(tmp_path / 'a.png', [far[0]]), 2.0)
    assert np.array_equal(draw_detections(found_on(tmp_path / 'a.png', far), 0.5), plain)
    boxes, none = np.array(far), np.zeros((0, 4))
    cell, empty = (draw_errors(image, each, none, none, 'name') for each in (boxes, none))
    assert np.array_equal(cell[:HEIGHT], empty[:HEIGHT])
    ones = np.ones(len(far), np.float32)
    faces = Faces(np.array(far, np.float32), ones, 40, 60, 'a.png', read=lambda: image)
    assert np.array_equal(faces.draw(scores=False), image)


@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('faces', ['all outside', 'none', 'one pixel', 'the whole image'])
@pytest.mark.parametrize('prob', [0.0, 1.0])
def test_every_transform_takes_images_of_any_shape(tmp_path, mmdet_scope, shape, faces, prob):
    """With one image in the data set, and with no face on it."""
    root = write_wider(tmp_path, shape)
    rows = {
        'all outside': f'{shape[1] + 50} 0 20 20',
        'none': '0 0 0 0',
        'one pixel': '0 0 1 1',
        'the whole image': f'0 0 {shape[1]} {shape[0]}',
    }
    text = f'{NAMES[0]}\n1\n{rows[faces]} 0 0 0 0 0 0\n'
    (root / 'wider_face_split/wider_face_train_bbx_gt.txt').write_text(text)
    anchors = dict(type='DataAnchorSampling', canvas=64, anchors=(16, 32, 512), prob=prob)
    pipeline = [*TRAINING[:3], anchors, dict(type='DecodeFaceImage'), TRAINING[4], PACK]
    dataset = build(root, pipeline=pipeline)
    for _ in range(4):
        sample = dataset[0]
        assert sample['inputs'].shape == (3, 64, 64)
        boxes = sample['data_samples'].gt_instances.bboxes.tensor
        assert ((boxes >= 0) & (boxes <= 64)).all()


@pytest.mark.parametrize('shape', SHAPES)
def test_every_test_pipeline_takes_images_of_any_shape(tmp_path, mmdet_scope, shape):
    root = write_wider(tmp_path, shape)
    demo, mini = (
        load_config(name) for name in ('demo/bfbox_search_demo', 'mini/bfbox_search_wider_mini')
    )
    for config, name in ((demo, 'held_out'), (mini, 'held_out'), (mini, 'test')):
        pipeline = config[f'{name}_dataloader'].dataset.pipeline
        sample = build(root, test_mode=True, pipeline=pipeline)[0]
        assert min(sample['inputs'].shape) >= 1
        scale = sample['data_samples'].scale_factor
        assert min(scale) > 0
        assert sample['data_samples'].ori_shape == shape


def test_nothing_else_in_the_package_decodes_image_files():
    """Or it would not ignore orientation marks, or not find damage."""
    package = Path(mmbfbox.__file__).parent
    others = [
        path.relative_to(package).as_posix()
        for path in package.rglob('*.py')
        if path.relative_to(package).parts[0]
        != 'deploy'  # users' pictures, turned as a viewer shows them
        and re.search(r'\b(imread|imdecode|imfrombytes|decode_jpeg)\(', path.read_text('utf-8'))
    ]
    assert others == ['utils/images.py']
