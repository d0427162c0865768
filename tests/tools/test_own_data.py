"""The chain on one's own data: real images in three layouts give the same network, scores and AP."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.engine import load_checkpoint_file
from mmbfbox.utils.config import load_config
from tests.datasets.own_data import as_coco, as_text
from tests.running_tools import run

SPLITS = ('train', 'val')
OPTIONS = [
    'supernet_check=None', 'train_cfg.max_iters=2', 'default_hooks.checkpoint.interval=2',
    'train_dataloader.num_workers=0', 'train_dataloader.batch_size=2', 'search.export=1',
    'train_dataloader.dataset.pipeline.3.transforms.0.canvas=256',
    *(
        f'{loader}_dataloader.dataset.{key}'
        for loader in ('train', 'held_out', 'recalibration')
        for key in ('held_out=6', 'recalibration=4')
    ),
]  # fmt: skip


def options(config: str) -> list[str]:
    """Those that the config has a place for."""
    found = load_config(config)
    return ['--cfg-options', *(one for one in OPTIONS if one.split('.')[0].split('=')[0] in found)]


def chain(root: Path, work: Path) -> None:
    """Train a supernet, search it, and test the winner's recalibrated weights on a few images."""
    supernet, search = 'demo/bfbox_supernet_demo', 'demo/bfbox_search_demo'
    where = ['--data-root', root]
    run('train', supernet, '--work-dir', work / 'supernet', *where, *options(supernet))
    run(
        'search', search, work / 'supernet/iter_2.pth', '--work-dir', work / 'search', *where,
        '--candidates', 2, *options(search),
    )  # fmt: skip
    best = work / 'search/export/01'
    run(
        'test', best / 'config.py', best / 'weights.pth', '--work-dir', work / 'test',
        '--out-dir', work / 'found', '--cfg-options', 'test_dataloader.num_workers=0',
        'test_dataloader.dataset.indices=6', f'experiment_name={work.name}',
    )  # fmt: skip


@pytest.fixture(scope='module')
def wider(shared_data) -> Path:
    return shared_data / 'wider_mini'


@pytest.fixture(scope='module')
def of_wider(wider, tmp_path_factory) -> Path:
    work = tmp_path_factory.mktemp('wider') / 'wider'
    chain(wider, work)
    return work


@pytest.mark.parametrize('layout', [as_coco, as_text])
def test_the_chain_gives_the_same_as_on_the_wider_layout(wider, of_wider, layout, tmp_path):
    root, work = layout(wider, tmp_path / 'own', SPLITS), tmp_path / layout.__name__
    (root / 'ground_truth').symlink_to(wider / 'ground_truth')
    chain(root, work)
    mine, other = (
        load_checkpoint_file(folder / 'supernet/iter_2.pth')['state_dict']
        for folder in (work, of_wider)
    )
    assert all(torch.equal(mine[name], other[name]) for name in other)
    assert candidates(work) == candidates(of_wider)
    scores = [Metrics.read(folder / 'test/metrics.json').scores for folder in (work, of_wider)]
    assert scores[0] == scores[1]
    config = load_config(work / 'search/export/01/config.py')
    assert config.train_dataloader.dataset.ann_file in ('annotations/train.json', 'train.txt')
    files = [
        {path.relative_to(folder / 'found'): path.read_text() for path in folder.glob('found/*/*')}
        for folder in (work, of_wider)
    ]
    assert len(files[0]) == 6 and files[0] == files[1]
    assert any(len(text.splitlines()) > 2 for text in files[0].values())
    log = next((work / 'supernet').glob('*/*.log')).read_text()
    assert f'{root}/{config.train_dataloader.dataset.ann_file}: 988 images in {root}/train' in log


def candidates(work: Path) -> list[tuple[object, object]]:
    lines = (work / 'search/candidates.jsonl').read_text().splitlines()
    return [(line['arch'], line['scores']) for line in map(json.loads, lines)]


def test_own_data_can_be_browsed_and_measured(wider, tmp_path):
    for layout, file in ((as_coco, 'annotations/val.json'), (as_text, 'val.txt')):
        root, out = layout(wider, tmp_path / layout.__name__, SPLITS), tmp_path / 'out'
        run(
            'browse_dataset', 'demo/retinanet_r18_fpn_demo', '--out', out / 'pictures', '--number', 2,
            '--data-root', root,
        )  # fmt: skip
        assert len(list((out / 'pictures').glob('*.png'))) == 3
        images = [] if layout is as_coco else ['--images', root / 'val']
        run('face_scales', root / file, *images, '--out', out)
        tables = (out / 'face_scales.csv').read_text()
        run(
            'face_scales', wider / 'wider_face_split/wider_face_val_bbx_gt.txt',
            '--images', wider / 'WIDER_val/images', '--out', out,
        )  # fmt: skip
        assert tables == (out / 'face_scales.csv').read_text()
        for path in (out / 'pictures').iterdir():
            path.unlink()
