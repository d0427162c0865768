"""The options of loaders follow from each other, and no loop waits for a loader without end."""

from __future__ import annotations

import pytest
from mmengine import Config
from mmengine.runner import Runner

from mmbfbox.errors import UserError
from mmbfbox.utils.config import configs_dir, load_config
from mmbfbox.utils.loaders import TIMEOUT, dependent_loader_options

CONFIGS = sorted(
    path.relative_to(configs_dir()).with_suffix('').as_posix()
    for path in configs_dir().rglob('*.py')
    if '_base_' not in path.parts
)
ALL = ('train', 'val', 'test', 'held_out', 'recalibration')


@pytest.mark.parametrize('workers', [0, 3])
def test_every_loader_of_every_config_can_be_had_with_and_without_workers(workers):
    for name in CONFIGS:
        config = load_config(name)
        loaders = [key for key in config if key.endswith('_dataloader') and config[key]]
        for loader in loaders:
            config[loader].num_workers = workers
        dependent_loader_options(config)
        for loader in loaders:
            built = dict(config[loader], dataset=range(8), sampler=dict(type='DefaultSampler'))
            assert Runner.build_dataloader(built).timeout == (TIMEOUT if workers else 0)


def test_what_only_workers_can_have_goes_and_what_the_user_says_stays():
    loader = dict(num_workers=0, batch_size=2, persistent_workers=True, prefetch_factor=4)
    config = Config(dict(train_dataloader=loader, val_dataloader=None, test_dataloader=[loader]))
    dependent_loader_options(config)
    assert config.train_dataloader == config.test_dataloader[0] == dict(num_workers=0, batch_size=2)
    config = Config(dict(train_dataloader=dict(num_workers=1, timeout=0, prefetch_factor=4)))
    dependent_loader_options(config)
    assert config.train_dataloader == dict(num_workers=1, timeout=0, prefetch_factor=4)


@pytest.mark.parametrize(
    ('key', 'value'), [('num_workers', -1), ('batch_size', 0), ('num_workers', '2')]
)
def test_numbers_that_cannot_be_are_one_sentence_with_the_key(key, value):
    with pytest.raises(UserError, match=rf'held_out_dataloader\.{key} is {value!r}; set it to'):
        dependent_loader_options(Config(dict(held_out_dataloader={key: value})))


@pytest.mark.parametrize(
    'sampler', ['ResumableSampler', 'InfiniteSampler', 'mmdet.MultiSourceSampler']
)
@pytest.mark.parametrize(
    'loop', [dict(type='EpochBasedTrainLoop', max_epochs=2), dict(by_epoch=True, max_epochs=2)]
)
def test_epochs_are_refused_with_a_sampler_that_never_ends(sampler, loop):
    config = Config(dict(train_cfg=loop, train_dataloader=dict(sampler=dict(type=sampler))))
    with pytest.raises(UserError, match='asks for epochs.*never ends; set train_cfg.type'):
        dependent_loader_options(config)
    config.train_dataloader.sampler.type = 'DefaultSampler'
    dependent_loader_options(config)


@pytest.mark.parametrize('name', ALL[1:])
def test_only_training_may_go_on_without_end(name):
    config = Config({f'{name}_dataloader': dict(sampler=dict(type='ResumableSampler'))})
    with pytest.raises(
        UserError, match=f'{name}_dataloader.sampler.type is ResumableSampler, which'
    ):
        dependent_loader_options(config)


def test_a_key_that_no_loader_has_is_refused_with_the_near_one():
    config = load_config('demo/bfbox_supernet_demo', {'held_out_dataloader.batch_size': 2})
    config.held_out_dataloader.btach_size = 3
    with pytest.raises(UserError, match='held_out_dataloader.* no btach_size.* batch_size'):
        dependent_loader_options(config)


@pytest.mark.parametrize('value', [None, 3, 'WiderFaceDataset', []])
def test_a_loader_without_a_data_set_is_refused(value):
    config = load_config('demo/bfbox_supernet_demo')
    config.train_dataloader.dataset = value
    with pytest.raises(UserError, match='train_dataloader.dataset is .* a dict with a type'):
        dependent_loader_options(config)
