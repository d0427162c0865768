"""Faces from COCO JSON: the same as from WIDER's files, and one sentence for what is wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mmdet.datasets import CocoDataset

from mmbfbox.datasets import CocoFaceDataset
from mmbfbox.errors import UserError
from tests.datasets.own_data import as_coco, as_text
from tests.datasets.small_wider import NAMES, PACK, TRAINING, build

FILE = 'annotations/train.json'
LOADING = [dict(type='LoadFaceImage'), PACK]


@pytest.fixture
def coco(wider, tmp_path) -> Path:
    return as_coco(wider, tmp_path / 'coco')


def dataset(root: Path, **keys: Any) -> CocoFaceDataset:
    settings = dict(ann_file=FILE, data_prefix=dict(img=''), pipeline=LOADING) | keys
    return CocoFaceDataset(data_root=str(root), **settings)


def change(root: Path, how: Callable[[dict[str, Any]], object]) -> None:
    """Rewrite the annotations as users' own files may be."""
    content = json.loads((root / FILE).read_text())
    how(content)
    (root / FILE).write_text(json.dumps(content))


@pytest.mark.parametrize('keys', [{}, dict(test_mode=True), dict(invalid_faces='drop')])
def test_images_and_faces_are_those_of_the_wider_layout(wider, coco, keys):
    ours, theirs = dataset(coco, **keys), build(wider, **keys)
    assert len(ours) == len(theirs) == len(NAMES)
    for index in range(len(ours)):
        mine, other = ours.get_data_info(index), theirs.get_data_info(index)
        assert mine['img_id'] == other['img_id']
        assert Path(mine['img_path']).resolve() == Path(other['img_path']).resolve()
        assert mine['instances'] == other['instances']
        if keys.get('test_mode'):
            assert (mine['gt_boxes'] == other['gt_boxes']).all()
            assert (mine['gt_valid'] == other['gt_valid']).all()


def test_training_samples_and_splits_are_those_of_the_wider_layout(wider, coco):
    for part in ('train', 'held_out', 'recalibration'):
        keys = dict(part=part, held_out=1, recalibration=2, pipeline=[*TRAINING, PACK])
        ours, theirs = dataset(coco, **keys), build(wider, **keys)
        assert len(ours) == len(theirs)
        for index in range(len(ours)):
            np.random.seed(index)
            mine = ours[index]
            np.random.seed(index)
            other = theirs[index]
            assert (mine['inputs'] == other['inputs']).all()
            boxes = [s['data_samples'].gt_instances.bboxes.tensor for s in (mine, other)]
            assert (boxes[0] == boxes[1]).all()


def test_mmdets_own_data_set_reads_what_our_tool_writes(coco):
    theirs = CocoDataset(
        data_root=str(coco), ann_file=FILE, data_prefix=dict(img='train'), pipeline=[],
        metainfo=dict(classes=('face',)), filter_cfg=None,
    )  # fmt: skip
    ours = dataset(coco)
    for index in range(len(NAMES)):
        mine, other = ours.get_data_info(index), theirs.get_data_info(index)
        assert [face['bbox'] for face in mine['instances']] == [
            face['bbox'] for face in other['instances']
        ]
        assert [face['ignore_flag'] for face in other['instances']] == [0, 1]


def test_text_files_name_images_in_no_folder(wider, tmp_path):
    root = as_text(wider, tmp_path / 'own')
    text = (root / 'train.txt').read_text()
    (root / 'images').mkdir()
    for name in NAMES:
        flat = name.replace('/', '-')
        shutil.copy(root / 'train' / name, root / 'images' / flat)
        text = text.replace(name, flat)
    (root / 'train.txt').write_text(text)
    own = build(root, ann_file='train.txt', data_prefix=dict(img=''), test_mode=True)
    assert [own.get_data_info(index)['img_id'] for index in range(len(NAMES))] == [
        name.replace('/', '-').removesuffix('.jpg') for name in NAMES
    ]
    assert own[0]['inputs'].shape[0] == 3


@pytest.mark.parametrize(
    'how',
    [
        lambda c: [image.update(id=-image['id']) for image in c['images']]
        and [face.update(image_id=-face['image_id']) for face in c['annotations']],
        lambda c: [image.update(id=f'a{image["id"]}') for image in c['images']]
        and [face.update(image_id=f'a{face["image_id"]}') for face in c['annotations']],
        lambda c: [face.update(segmentation=dict(counts='e1', size=[60, 80])) for face in c['annotations']],
        lambda c: [face.update(segmentation=[[0, 0, 1, 1, 2, 2]]) for face in c['annotations']],
        lambda c: c.pop('categories'),
        lambda c: c['categories'].append(dict(id=2, name='hand')),
        lambda c: c['categories'].insert(0, dict(id=0, name='faces')),
        lambda c: [image.pop('width') for image in c['images']],
        lambda c: c['categories'][0].update(name='head'),
    ],
)  # fmt: skip
def test_what_does_not_matter_changes_nothing(wider, coco, how):
    """Negative ids and texts, masks, no or other categories, no sizes."""
    change(coco, how)
    ours, theirs = dataset(coco), build(wider)
    for index in range(len(NAMES)):
        mine, other = ours.get_data_info(index), theirs.get_data_info(index)
        assert mine['instances'] == other['instances']


def test_of_several_categories_the_one_that_is_named_is_the_face(coco):
    change(
        coco,
        lambda c: (
            c.update(categories=[dict(id=1, name='head'), dict(id=5, name='hand')]),
            [face.update(category_id=5) for face in c['annotations'][1::2]],
        ),
    )
    with pytest.raises(
        UserError, match="categories 'head', 'hand'; say which .* --face-category NAME"
    ):
        dataset(coco)
    faces = dataset(coco, face_category='head').get_data_info(0)['instances']
    assert [face['bbox'] for face in faces] == [[5, 6, 25, 36]]
    with pytest.raises(UserError, match="no category 'face', only 'head', 'hand'"):
        dataset(coco, face_category='face')


def test_crowds_are_ignored_and_boxes_outside_of_the_picture_are_left_out(coco, caplog):
    """Those that reach over an edge stay as they are, as in WIDER's files."""
    change(
        coco,
        lambda c: [
            face.update(bbox=box, iscrowd=crowd)
            for face, box, crowd in zip(
                c['annotations'],
                [[-5, 6, 20, 30], [80, 0, 9, 9], [5, -30, 9, 30], [1, 2, 0, 4], [7, 7, 7, 7]],
                [0, 0, 0, 0, 1],
            )
        ],
    )
    found = dataset(coco, test_mode=True)
    first, second, third = (found.get_data_info(index) for index in range(3))
    assert first['gt_boxes'].tolist() == [[-5, 6, 15, 36]]
    assert second['instances'] == []
    assert third['gt_valid'].tolist() == [False, False]
    assert [face['ignore_flag'] for face in third['instances']] == [1, 1]


def _entry(kind: str, **keys: Any) -> Callable[[dict[str, Any]], object]:
    return lambda c: c[kind][1].update(keys)


@pytest.mark.parametrize(
    ('how', 'words'),
    [
        (lambda c: c['images'].append(dict(id=99, file_name='2--Gone/1.jpg')), 'lacks 1 of the 5 images'),
        (_entry('images', id=1), "entry 1 of images: the image before, .*, has the id 1, too"),
        (_entry('images', id=None), 'id is None, expected a whole number or a text'),
        (_entry('images', id=1.5), 'id is 1.5, expected a whole number or a text'),
        (_entry('images', file_name=NAMES[0]), f"lists the image '{NAMES[0]}' twice"),
        (_entry('images', file_name='../a.jpg'), "file_name is '../a.jpg', expected the name"),
        (_entry('images', file_name='train\\a.jpg'), 'divided by /'),
        (_entry('images', file_name=None), 'file_name is None'),
        (_entry('annotations', image_id='1'), "no image has the id '1'"),
        (_entry('annotations', image_id=True), 'image_id is True'),
        (_entry('annotations', bbox=[1, 2, 3]), r'bbox is \[1, 2, 3\], expected left, top'),
        (_entry('annotations', bbox=[1, 2, 3, float('nan')]), 'bbox is .*nan'),
        (_entry('annotations', bbox=[1, 2, 3, '4']), 'bbox is'),
        (_entry('annotations', bbox=None), 'bbox is None'),
        (_entry('annotations', bbox='a\nb'), r"bbox is 'a\\nb', expected"),
        (_entry('images', file_name='a\nb.jpg'), r'lacks 1 of the 4 images .*a\\nb.jpg'),
        (_entry('annotations', category_id=[1]), r'category_id is \[1\]'),
        (_entry('annotations', category_id=7), 'category_id 7, which "categories" does not list'),
        (lambda c: c.update(categories=['face']), '"categories" is not a list of objects'),
        (lambda c: [a.update(bbox=[0.1, 0.1, 0.2, 0.2]) for a in c['annotations']], 'fractions'),
        (lambda c: c.update(annotations=[]), 'no annotations, so it can only be tested on'),
        (lambda c: c.pop('annotations'), 'no annotations, so it can only be tested on'),
        (lambda c: c.update(annotations={}), '"annotations" is not a list of objects'),
        (lambda c: c.update(images=[]), 'has no images'),
    ],
)  # fmt: skip
def test_a_fault_of_the_file_is_one_sentence(coco, how, words):
    change(coco, how)
    with pytest.raises(UserError, match=words) as error:
        dataset(coco)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('[]', 'holds a JSON list, .*give annotations, not results'),
        ('{"images": [', 'is not valid JSON'),
        ('[' * 100_000, 'is not valid JSON'),
        ('\xff', 'cannot read the annotations'),
    ],
)
def test_a_file_that_is_something_else_is_one_sentence(coco, text, words):
    (coco / FILE).write_text(text, encoding='latin-1')
    with pytest.raises(UserError, match=words):
        dataset(coco)


def test_images_without_faces_can_be_tested_on(coco):
    change(coco, lambda c: c.pop('annotations'))
    found = dataset(coco, test_mode=True)
    assert len(found) == len(NAMES) and found.get_data_info(0)['gt_boxes'].shape == (0, 4)
    with pytest.raises(UserError, match='can only be tested on'):
        dataset(coco, test_mode=True, part='held_out')


@pytest.mark.parametrize('place', ['images', 'images/train', 'train2017', 'annotations', '.'])
def test_images_are_found_where_others_keep_them(coco, place):
    images = (coco / 'train').resolve()
    (coco / 'train').unlink()
    if place in ('.', 'annotations'):
        for event in images.iterdir():
            (coco / place / event.name).symlink_to(event)
    else:
        (coco / place).parent.mkdir(exist_ok=True)
        (coco / place).symlink_to(images)
    assert len(dataset(coco)) == len(NAMES)
