"""What a search says of its images is compared, name by name, with what the supernet was trained on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from mmbfbox.datasets.demo.make import make_demo_data
from mmbfbox.engine import load_checkpoint_file
from mmbfbox.search.config import PreparedSearch, build_search
from mmbfbox.search.distributed import Processes
from mmbfbox.space import JointSpace
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import set_data_root
from tests.running_tools import run

SEARCH, SUPERNET = 'demo/bfbox_search_demo', 'demo/bfbox_supernet_demo'
LOADERS = ('train', 'held_out', 'recalibration')
PARTS = {f'{name}_dataloader.dataset.held_out': 12 for name in LOADERS} | {
    f'{name}_dataloader.dataset.recalibration': 8 for name in LOADERS
}
TRAINING = {
    'train_cfg.max_iters': 1, 'default_hooks.checkpoint.interval': 1, 'supernet_check': None,
    'train_dataloader.num_workers': 0, 'train_dataloader.persistent_workers': False,
    'train_dataloader.batch_size': 2,
}  # fmt: skip


@pytest.fixture(scope='module')
def data(tmp_path_factory: Any) -> Path:
    folder = tmp_path_factory.mktemp('data') / 'wider'
    make_demo_data(folder, seed=0, train=40, val=2, size=96)
    return folder


def trained(folder: Path, data: Path, **changes: Any) -> Path:
    """A supernet that was trained for one iteration, ``changes`` by the keys of its data set."""
    options = {f'train_dataloader.dataset.{key}': value for key, value in changes.items()}
    words = [f'{key}={value}' for key, value in (PARTS | TRAINING | options).items()]
    run('train', SUPERNET, '--work-dir', folder, '--data-root', data, '--cfg-options', *words)
    return folder / 'iter_1.pth'


@pytest.fixture(scope='module')
def supernet(data: Path, tmp_path_factory: Any) -> Path:
    return trained(tmp_path_factory.mktemp('supernet'), data)


def prepared(supernet: Path, data: Path, folder: Path, **options: Any) -> PreparedSearch:
    """A search that is ready to run; ``held_out_dataloader__dataset__held_out`` is a key."""
    dotted = {key.replace('__', '.'): value for key, value in options.items()}
    config = load_config(SEARCH, PARTS | dotted)
    set_data_root(config, data)
    config.work_dir = str(folder)
    return build_search(config, str(supernet), Processes())


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        ({}, '12 images of wider_face_train_bbx_gt.txt, held out of training'),
        (
            dict(held_out_dataloader__dataset__held_out=20),
            r'20 images .*, [1-9] of 20 used in training',
        ),
        (
            dict(held_out_dataloader__dataset__split_seed=1),
            r'12 images .*, \d+ of 12 used in training',
        ),
    ],
)
def test_the_certificate_follows_from_the_names_of_the_images(
    supernet: Path, data: Path, tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    import re

    file = prepared(supernet, data, tmp_path, **options).loop.identity
    assert re.match(said, str(file.held_out))
    assert str(file.recalibration).split(', ')[1] == 'used in training'


def test_images_that_both_recalibrate_and_score_are_counted(
    supernet: Path, data: Path, tmp_path: Path
) -> None:
    other_split = dict(recalibration_dataloader__dataset__split_seed=1)
    search = prepared(supernet, data, tmp_path, **other_split)
    images = {name: set(names) for name, names in search.loop.scorer.images.items()}
    both = len(images['held_out'] & images['recalibration'])
    assert both and str(search.loop.identity.held_out).endswith(
        f'{both} of them recalibrate and score'
    )


def test_a_supernet_that_saw_all_images_says_so(data: Path, tmp_path: Path) -> None:
    supernet = trained(tmp_path / 'supernet', data, part=None)
    file = prepared(supernet, data, tmp_path / 'search').loop.identity
    assert str(file.held_out).endswith('images of wider_face_train_bbx_gt.txt, used in training')


def test_without_the_config_of_the_training_nothing_is_certified(
    supernet: Path, data: Path, tmp_path: Path
) -> None:
    bare = tmp_path / 'bare.pth'
    torch.save(dict(state_dict=load_checkpoint_file(supernet)['state_dict']), bare)
    with pytest.warns(UserWarning, match='which images .*bare.pth was trained on cannot be told'):
        file = prepared(bare, data, tmp_path / 'search').loop.identity
    assert str(file.held_out).endswith(', not compared with the training images')


def test_the_same_seed_draws_other_archs_in_a_search_than_in_a_training(
    supernet: Path, data: Path, tmp_path: Path
) -> None:
    def first(search: PreparedSearch) -> list[Any]:
        sampler = search.loop.sampler
        return [sampler.space.sample(sampler.seed, index) for index in range(50)]

    def in_training(space: JointSpace) -> list[Any]:
        return [space.sample(0, index) for index in range(50)]

    new = prepared(supernet, data, tmp_path)
    assert sum(map(in_training(new.space).__contains__, first(new))) < 5
    # A search that was begun with the old meaning keeps it.
    plain = json.loads(new.loop.identity.to_json())
    (tmp_path / 'search.json').write_text(json.dumps({**plain, 'schema': 2}))
    again = prepared(supernet, data, tmp_path)
    assert first(again) == in_training(again.space)
    assert again.loop.identity.stream == 'training'
