"""Another data folder is put into a config as a whole, and only what a command opens must be there."""

from __future__ import annotations

import pytest
from mmengine import Config
from mmengine.registry import DATASETS, DefaultScope

from mmbfbox.errors import UserError
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import replace_data_root, set_data_root
from tests.datasets.small_wider import write_wider


@pytest.mark.parametrize('old', ['data/WIDERFace/', 'data/WIDERFace'])
@pytest.mark.parametrize(
    ('new', 'then'), [('x/y', 'x/y/'), ('x/y/', 'x/y/'), ('.', './'), ('/', '/')]
)
def test_only_whole_folders_are_replaced(old, new, then):
    config = Config(
        dict(
            data_root=old,
            truth='data/WIDERFace/ground_truth',
            other='data/WIDERFace_2/images',
            name='mmdet',
            nested=[dict(root=old, number=3)],
        )
    )
    replace_data_root(config, new)
    assert config.truth == then + 'ground_truth'
    assert config.other == 'data/WIDERFace_2/images'
    assert config.name == 'mmdet'
    assert config.data_root.rstrip('/') == config.nested[0].root.rstrip('/') == then.rstrip('/')


@pytest.mark.parametrize('old', ['', '/', None])
def test_a_config_without_a_data_root_is_left_alone(old):
    config = Config(dict(data_root=old, ann_file='train.txt', model=dict(type='RetinaNet')))
    with pytest.raises(UserError, match='the config has no data_root'):
        replace_data_root(config, '/data')
    assert config.ann_file == 'train.txt' and config.model.type == 'RetinaNet'


@pytest.mark.parametrize('folder', ['', 'nowhere', '.'])
def test_a_folder_that_is_no_data_set_is_one_sentence(tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=f"the data root '{folder}' has none of the folders"):
        set_data_root(load_config('paper/bfbox_supernet_wider_face'), folder)


@pytest.mark.parametrize('split', ['train', 'val'])
def test_a_command_needs_only_the_folders_that_it_opens(tmp_path, split):
    """Training or browsing with WIDER_train alone, testing with WIDER_val alone."""
    write_wider(tmp_path, split=split)
    config = load_config('paper/bfbox_subnet_wider_face')
    set_data_root(config, tmp_path)
    other = {'train': 'val', 'val': 'train'}[split]
    with DefaultScope.overwrite_default_scope('mmdet'):
        config.train_dataloader.dataset.part = None
        assert len(DATASETS.build(config[f'{split}_dataloader'].dataset)) == 4
        with pytest.raises(UserError, match=f'wider_face_{other}_bbx_gt.txt.*unpack'):
            DATASETS.build(config[f'{other}_dataloader'].dataset)


def test_a_relative_data_root_is_one_from_where_the_command_runs(tmp_path, monkeypatch):
    write_wider(tmp_path)
    monkeypatch.chdir(tmp_path)
    config = load_config('paper/bfbox_supernet_wider_face')
    set_data_root(config, '.')
    config.train_dataloader.dataset.part = None
    with DefaultScope.overwrite_default_scope('mmdet'):
        dataset = DATASETS.build(config.train_dataloader.dataset)
        assert dataset[0]['data_samples'].img_id in {'0--Parade/0', '0--Parade/1'}
