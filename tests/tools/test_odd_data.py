"""tools/test.py and tools/browse_dataset.py on data that are not as expected: a result or one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope

from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.utils.config import load_config
from mmbfbox.utils.quiet import build_quietly
from tests.datasets.small_wider import NAMES, write_wider
from tests.running_tools import failure, run

CONFIG = 'demo/retinanet_r18_fpn_demo'


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory) -> Path:
    """Random weights of the demo's baseline."""
    init_default_scope('mmdet')
    torch.manual_seed(0)
    model = build_quietly(lambda: MODELS.build(load_config(CONFIG).model))
    path = tmp_path_factory.mktemp('odd') / 'weights.pth'
    torch.save(dict(state_dict=model.state_dict(), meta={}), path)
    return path


@pytest.fixture
def val(tmp_path) -> Path:
    return write_wider(tmp_path / 'wider', split='val')


def options(folder: Path, *more: str) -> list[str]:
    """No official ground truth, and no worker: nothing else has to be said for that."""
    faces = ['test_evaluator.ground_truth=None', 'val_evaluator.ground_truth=None']
    name = f'experiment_name={folder.parent.name}'
    return ['--cfg-options', *faces, name, 'test_dataloader.num_workers=0', *more]


def test_one_unreadable_image_does_not_end_a_test(checkpoint, val, tmp_path, capsys):
    """It is no detection, it is counted and named, and pictures are drawn of the others."""
    images = val / 'WIDER_val/images'
    (images / NAMES[0]).write_bytes(b'')
    (images / NAMES[1]).write_bytes((images / NAMES[1]).read_bytes()[:-2])
    work, out, pictures = tmp_path / 'work', tmp_path / 'out', tmp_path / 'pictures'
    arguments = ['--work-dir', work, '--out-dir', out, '--pictures', pictures, '--data-root', val]
    run('test', CONFIG, checkpoint, *arguments, *options(tmp_path))
    assert Metrics.read(work / 'metrics.json')
    stems = [name.removesuffix('.jpg') for name in NAMES]
    assert {path.relative_to(out).with_suffix('').as_posix() for path in out.glob('*/*')} == {
        *stems
    }
    assert (out / f'{stems[0]}.txt').read_text() == '0\n0\n'
    assert {path.name for path in pictures.iterdir()} == {
        'detections.png', 'worst_images.jpg', *(f'{stem.replace("/", "_")}.jpg' for stem in stems[1:])
    }  # fmt: skip
    log = next(work.glob('*/*.log')).read_text()
    assert '1 test images could not be read and count as images without detections' in log
    assert f'{images / NAMES[0]}' in log and f'{images / NAMES[1]} is cut off' in log


def test_pictures_of_a_very_thin_image_do_not_end_a_test(checkpoint, tmp_path):
    val = write_wider(tmp_path / 'wider', shape=(3, 3000), split='val')
    for scheme in ('original', 'vga'):
        work, pictures = tmp_path / scheme, tmp_path / f'pictures_{scheme}'
        where = ['--work-dir', work, '--pictures', pictures, '--data-root', val, '--scheme', scheme]
        run('test', CONFIG, checkpoint, *where, *options(work))
        assert cv2.imread(str(pictures / 'detections.png')) is not None


def test_the_official_list_of_test_images_gives_predictions_and_valid_json(checkpoint, tmp_path):
    """WIDER's test images come without faces; what is found on them is for the official server."""
    root = write_wider(tmp_path / 'wider', split='test')
    (root / 'wider_face_split/wider_face_test_bbx_gt.txt').unlink()
    name = 'wider_face_split/wider_face_test_filelist.txt'
    (root / name).write_text('\ufeff' + '\r\n'.join(NAMES) + '\r\n', encoding='utf-8')
    work, out = tmp_path / 'work', tmp_path / 'out'
    data = [
        f'test_dataloader.dataset.ann_file={name}',
        'test_dataloader.dataset.data_prefix.img=WIDER_test/images',
        f'test_dataloader.dataset.data_root={root}',
    ]
    arguments = ['--work-dir', work, '--out-dir', out]
    run('test', CONFIG, checkpoint, *arguments, *options(tmp_path, *data))
    assert len(list(out.glob('*/*.txt'))) == 4

    def refuse(word: str) -> None:
        raise ValueError(word)

    json.loads((work / 'metrics.json').read_text(), parse_constant=refuse)


@pytest.fixture
def coco(tmp_path, with_layout) -> Path:
    """A config whose data are the same faces as COCO JSON."""
    root = write_wider(tmp_path / 'coco')
    boxes = [[5, 6, 20, 30], [40, 10, 9, 12]]
    images = [dict(id=n, file_name=name, height=60, width=80) for n, name in enumerate(NAMES)]
    faces = [
        dict(id=2 * n + k, image_id=n, category_id=1, bbox=box, area=box[2] * box[3], iscrowd=0)
        for n in range(len(NAMES))
        for k, box in enumerate(boxes)
    ]
    content = dict(images=images, annotations=faces, categories=[dict(id=1, name='face')])
    (root / 'faces.json').write_text(json.dumps(content))
    config = load_config(CONFIG)
    files = dict(
        type='CocoDataset',
        metainfo=dict(classes=('face',)),
        data_root=str(root),
        ann_file='faces.json',
        data_prefix=dict(img='WIDER_train/images'),
    )
    for name in ('train', 'test'):
        loader = config[f'{name}_dataloader']
        loader.dataset = dict(files, pipeline=loader.dataset.pipeline, test_mode=name == 'test')
    config.test_evaluator = dict(type='CocoMetric', ann_file=str(root / 'faces.json'))
    config.dump(tmp_path / 'coco.py')
    return tmp_path / 'coco.py'


def test_data_of_coco_json_can_be_browsed(coco, tmp_path):
    run('browse_dataset', coco, '--out', tmp_path / 'out', '--number', 3)
    assert len(list((tmp_path / 'out').glob('*.png'))) == 4


@pytest.mark.parametrize(
    ('evaluator', 'words'),
    [
        ([], '--out-dir is given, and the test_evaluator, CocoMetric, writes no detections'),
        (
            ['test_evaluator.type=WiderFaceMetric', 'test_evaluator.ground_truth=None'],
            'WiderFaceMetric needs the names of the images, and the data set only numbers them',
        ),
    ],
)
def test_data_of_coco_json_have_no_official_layout_yet(
    checkpoint, coco, tmp_path, capsys, evaluator, words
):
    if evaluator:
        text = coco.read_text()
        at = text.index('test_evaluator = dict(')
        end = text.index(')\n', at) + 2
        coco.write_text(text[:at] + "test_evaluator = dict(type='WiderFaceMetric')\n" + text[end:])
    arguments = ['--work-dir', tmp_path / 'work', '--out-dir', tmp_path / 'out']
    quiet = ['--cfg-options', f'experiment_name={tmp_path.name}', 'test_dataloader.num_workers=0']
    assert words in failure(capsys, 'test', coco, checkpoint, *arguments, *quiet)


def test_a_data_root_without_what_the_test_opens_is_one_sentence(checkpoint, tmp_path, capsys):
    train = write_wider(tmp_path / 'wider')
    arguments = ['--work-dir', tmp_path / 'work', '--data-root', train]
    said = failure(capsys, 'test', CONFIG, checkpoint, *arguments, *options(tmp_path))
    assert 'wider_face_val_bbx_gt.txt' in said and 'unpack' in said
    arguments[-1] = ''
    said = failure(capsys, 'test', CONFIG, checkpoint, *arguments, *options(tmp_path))
    assert "the data root '' has none of the folders" in said
