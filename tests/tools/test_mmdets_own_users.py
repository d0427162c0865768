"""What we export and publish works in mmdet's own inferencer, unchanged."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmcv.transforms import Compose
from mmdet.apis import DetInferencer, inference_detector, init_detector
from mmengine.registry import init_default_scope
from PIL import Image

from mmbfbox.evaluation.wider.io import read_wider_predictions
from mmbfbox.export import supernet_space
from mmbfbox.export.plain_steps import use_mmdets_steps
from mmbfbox.inference.settings import describe
from mmbfbox.utils.config import load_config
from tests.running_tools import run
from tests.tools.conftest import IN_PROCESS

FINAL = ('demo/bfbox_subnet_demo', 'mini/bfbox_subnet_wider_mini')


@pytest.fixture(scope='module', params=FINAL)
def exported(request, averaged_supernet, tmp_path_factory) -> Path:
    """Folder of an exported network, tested at original size or on a canvas."""
    folder = tmp_path_factory.mktemp('exported')
    space = supernet_space(load_config('demo/bfbox_supernet_demo').model)
    (folder / 'arch.json').write_text(space.to_json(space.sample(0, 3)))
    run('export_subnet', folder / 'arch.json', averaged_supernet, '--out', folder / 'best',
        '--config', request.param, '--cfg-options', 'test_dataloader.batch_size=1')  # fmt: skip
    return folder / 'best'


def predictions_of_the_tool(exported: Path, data: Path, out: Path):
    """What tools/test.py writes, computed in the memory layout that mmdet's inferencer has, too."""
    config = load_config(exported / 'config.py')
    config.custom_hooks = []
    out.parent.mkdir(exist_ok=True)
    config.dump(out.parent / 'config.py')
    options = [f'experiment_name={out.parent.name}', *IN_PROCESS]
    run('test', out.parent / 'config.py', exported / 'weights.pth', '--work-dir', out.parent / 'work',
        '--data-root', data, '--out-dir', out, '--cfg-options', *options)  # fmt: skip
    return read_wider_predictions(out)


def same(boxes, told) -> None:
    """Boxes of mmdet, against those that the tool has written, rounded."""
    corners = np.concatenate([told[:, :2], told[:, :2] + told[:, 2:4]], axis=1)
    assert len(boxes) == len(corners) > 10
    assert np.abs(np.asarray(boxes) - corners).max() < 0.01


def test_mmdets_inferencer_gives_our_boxes(exported, data, tmp_path):
    ours = predictions_of_the_tool(exported, data, tmp_path / 'ours')
    images = sorted((data / 'WIDER_val/images').rglob('*.jpg'))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        inferencer = DetInferencer(
            str(exported / 'config.py'), str(exported / 'weights.pth'), device='cpu', show_progress=False
        )  # fmt: skip
    found = inferencer([str(image) for image in images], no_save_vis=True)['predictions']
    assert len(images) == len(ours) == 10
    for image, boxes in zip(images, found, strict=True):
        same(boxes['bboxes'], ours[f'{image.parent.name}/{image.stem}'])
    # An image in memory, and a picture of what was found.
    (one,) = inferencer([cv2.imread(str(images[0]))], no_save_vis=True)['predictions']
    assert np.abs(np.asarray(one['bboxes']) - np.asarray(found[0]['bboxes'])).max() < 1e-3
    inferencer(str(images[0]), out_dir=str(tmp_path / 'drawn'))
    assert list((tmp_path / 'drawn' / 'vis').iterdir())


def test_a_published_file_works_in_mmdet_too(exported, data, tmp_path):
    run('publish_model', exported / 'weights.pth', '--config', exported / 'config.py',
        '--out', tmp_path / 'published')  # fmt: skip
    (weights,) = (tmp_path / 'published').glob('*.pth')
    image = str(min((data / 'WIDER_val/images').rglob('*.jpg')))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        inferencer = DetInferencer(weights=str(weights), device='cpu', show_progress=False)
        model = init_detector(str(weights.with_suffix('.py')), str(weights), device='cpu')
    (found,) = inferencer(image, no_save_vis=True)['predictions']
    assert found['bboxes']
    again = inference_detector(model, image).pred_instances.bboxes
    assert np.abs(again.numpy() - np.asarray(found['bboxes'])).max() < 1e-3


def test_mmdets_steps_change_no_pixel(tmp_path):
    ours = load_config('demo/bfbox_subnet_demo')
    plain = load_config('demo/bfbox_subnet_demo')
    use_mmdets_steps(plain)
    init_default_scope('mmdet')
    path = tmp_path / 'turned.jpg'
    pixels = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(path, exif=exif, quality=95)
    inputs = []
    for config in (ours, plain):
        sample = Compose(config.test_dataloader.dataset.pipeline)(
            dict(img_path=str(path), img_id='a')
        )
        inputs.append(sample['inputs'])
    assert (inputs[0] == inputs[1]).all() and inputs[0].shape[1:] == (60, 80)
    used = [step['type'] for step in plain.test_dataloader.dataset.pipeline]
    assert used == ['LoadImageFromFile', 'Resize', 'PackDetInputs']
    # Training, and what a search is scored on, are as they were.
    assert plain.train_dataloader == ours.train_dataloader
    assert plain.held_out_dataloader == ours.held_out_dataloader


def test_our_tools_still_read_what_is_damaged(exported, data, tmp_path):
    """An exported network's own steps would end the test at the first such image."""
    shutil.copytree(data, tmp_path / 'data')
    cut, empty = sorted((tmp_path / 'data/WIDER_val/images').rglob('*.jpg'))[:2]
    cut.write_bytes(cut.read_bytes()[:-2])
    empty.write_bytes(b'')
    before = predictions_of_the_tool(exported, data, tmp_path / 'a' / 'out')
    now = predictions_of_the_tool(exported, tmp_path / 'data', tmp_path / 'b' / 'out')
    name = f'{cut.parent.name}/{cut.stem}'
    assert np.abs(now[name] - before[name]).max() < 1e-6
    assert not len(now[f'{empty.parent.name}/{empty.stem}'])


def test_results_of_an_exported_network_compare_with_those_of_other_configs(exported):
    """That an image is resized by 1 is no other scale."""
    config = load_config(exported / 'config.py')
    scale = describe(config).scheme
    assert scale in ('original size', 'long side 640, padded to a fixed canvas')
