"""A data folder is recognised by its files, and a config is pointed at it as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmbfbox.errors import UserError
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_layout import COCO, TEXT, WIDER, find_layout
from mmbfbox.utils.data_root import face_category_of, set_data_root, set_data_root_if_there


def folder(root: Path, *files: str) -> Path:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    return root


@pytest.mark.parametrize(
    ('files', 'kind', 'found'),
    [
        (['wider_face_split/a.txt', 'annotations/train.json'], WIDER, {}),
        (
            ['annotations/instances_train2017.json', 'annotations/instances_val2017.json'],
            COCO,
            dict(
                train='annotations/instances_train2017.json',
                val='annotations/instances_val2017.json',
                test='annotations/instances_val2017.json',
            ),
        ),
        (
            ['train/_annotations.coco.json', 'valid/_annotations.coco.json'],
            COCO,
            dict(
                train='train/_annotations.coco.json',
                val='valid/_annotations.coco.json',
                test='valid/_annotations.coco.json',
            ),
        ),
        (['faces_train.json', 'notes.txt'], COCO, dict(train='faces_train.json')),
        (
            ['train.txt', 'test.txt', 'images/a.jpg', '._val.txt'],
            TEXT,
            dict(train='train.txt', test='test.txt', val='test.txt'),
        ),
    ],
)
def test_layouts_are_told_by_their_files(tmp_path, files, kind, found):
    layout = find_layout(folder(tmp_path, *files))
    assert (layout.kind, layout.annotations) == (kind, found)


@pytest.mark.parametrize(
    ('files', 'words'),
    [
        (['annotations/train.json', 'annotations/train_2.json'], 'both for train; leave one there'),
        (['annotations/faces.json'], r'annotations/faces.json says .* neither train nor val'),
        (['images/a.jpg'], 'has none of the folders .*own_data.md'),
    ],
)
def test_a_folder_that_is_not_clear_is_one_sentence(tmp_path, files, words):
    with pytest.raises(UserError, match=words):
        find_layout(folder(tmp_path, *files))


def test_a_config_reads_the_annotations_that_are_there(tmp_path):
    root = folder(tmp_path, 'annotations/train.json', 'annotations/val.json')
    config = load_config('demo/retinanet_r18_fpn_demo')
    set_data_root(config, root, 'head')
    train, test = (config[f'{name}_dataloader'].dataset for name in ('train', 'test'))
    assert train.type == test.type == 'CocoFaceDataset'
    assert (train.ann_file, test.ann_file) == ('annotations/train.json', 'annotations/val.json')
    assert train.data_root.rstrip('/') == str(root) and train.data_prefix.img == ''
    assert face_category_of(config) == train.face_category == 'head'
    assert config.test_evaluator.ground_truth is None


def test_official_subsets_are_used_where_the_folder_has_them(tmp_path):
    root = folder(tmp_path, 'train.txt', 'val.txt', 'ground_truth/wider_face_val.mat')
    config = load_config('demo/retinanet_r18_fpn_demo')
    set_data_root(config, root)
    assert config.test_evaluator.ground_truth == f'{root}/ground_truth'


def test_a_config_of_own_data_goes_back_to_wider_face(tmp_path):
    """As an exported config is tested on WIDER FACE."""
    own = folder(tmp_path / 'own', 'annotations/train.json', 'annotations/val.json')
    wider = folder(tmp_path / 'wider', 'wider_face_split/wider_face_val_bbx_gt.txt')
    config, expected = (load_config('demo/retinanet_r18_fpn_demo') for _ in range(2))
    set_data_root(config, own, 'head')
    set_data_root(config, wider)
    set_data_root(expected, wider)
    assert config.to_dict() == expected.to_dict()


def test_a_folder_that_comes_later_takes_the_place_of_the_path(tmp_path):
    config = load_config('demo/retinanet_r18_fpn_demo')
    set_data_root_if_there(config, tmp_path / 'later')
    assert config.train_dataloader.dataset.type == 'WiderFaceDataset'
    assert config.train_dataloader.dataset.data_root.rstrip('/') == str(tmp_path / 'later')
