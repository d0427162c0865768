"""What follows ``--cfg-options`` is understood, or ends in one sentence that names what was meant."""

from __future__ import annotations

import argparse
import inspect
import math
import re
import warnings
from pathlib import Path
from typing import Any

import mmdet
import pytest
from mmengine.runner import Runner

from mmbfbox.command_line import add_config_arguments
from mmbfbox.errors import UserError
from mmbfbox.utils.config import find_config, load_config
from mmbfbox.utils.known_keys import OF_RUNNER, OURS, mistyped

SUPERNET = 'demo/bfbox_supernet_demo'
MMDETS = Path(mmdet.__file__).parent / '.mim' / 'configs'


def options(*words: str) -> dict[str, Any]:
    """What a command line with these options holds."""
    parser = argparse.ArgumentParser()
    add_config_arguments(parser)
    return parser.parse_args(['--cfg-options', *words]).cfg_options


@pytest.mark.parametrize(
    ('word', 'value'),
    [
        ("[dict(type='LinearLR', end=3), dict(b=[1, (2,)])]",
         [dict(type='LinearLR', end=3), dict(b=[1, (2,)])]),
        ("dict(type='SGD', lr=1e-3)", dict(type='SGD', lr=1e-3)),
        ("{'max': 2, 'min': 1}", dict(max=2, min=1)),
        ("[{'a': 1, 'b': 2}]", [dict(a=1, b=2)]),
        ('[[1, 2], (3, inf)]', [[1, 2], (3, math.inf)]),
        ('[conv3,conv5]', ['conv3', 'conv5']),
        ("['a b', 'c']", ['a b', 'c']),
        ('[f(1,2),3]', ['f(1,2)', 3]),
        ('1,2', [1, 2]),
        ('1e-3', 1e-3),
        ('true', True),
        ('None', None),
        ('(1)', (1,)),
        ('/my images/of faces', '/my images/of faces'),
        ("'a, b'", 'a, b'),
        ('a=b', 'a=b'),
        ('', ''),
    ],
)  # fmt: skip
def test_values_mean_what_they_say(word: str, value: Any) -> None:
    found = options(f'key={word}')['key']
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ('word', 'message'),
    [
        ('model.backbone.depths', 'model.backbone.depths has no value; write KEY=VALUE'),
        ('=3', '=3 has no key; write KEY=VALUE'),
        ('a=[1', r'the value of a, \[1, cannot be read .*brackets'),
        ('a=dict(b=open)', 'the value of a, .* cannot be read'),
        ('a=[dict(b=c)]', 'the value of a, .* cannot be read .*quotes'),
        ('a=' + '[' * 3000 + ']' * 3000, 'the value of a, .* cannot be read'),
    ],
)
def test_what_cannot_be_read_is_one_sentence(word: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        options(word)


@pytest.mark.parametrize(
    ('key', 'near'),
    [
        ('model.bakcbone.depths', 'model.backbone'),
        ('model.backbone.dephts', 'model.backbone.depths'),
        ('model.bbox_head.anchor_generator.octave_base_scales', 'octave_base_scale'),
        ('model.test_cfg.score_tr', 'model.test_cfg.score_thr'),
        ('optim_wrapper.optimizer.lrr', 'optim_wrapper.optimizer.lr'),
        ('optim_wrapper.acumulative_counts', 'optim_wrapper.accumulative_counts'),
        ('train_dataloader.num_wokers', 'train_dataloader.num_workers'),
        ('train_dataloader.prefetch_facter', 'train_dataloader.prefetch_factor'),
        ('train_dataloader.dataset.pipeline.0.strickt', 'pipeline.0.strict'),
        ('default_hooks.chekpoint.interval', 'default_hooks.checkpoint'),
        ('env_cfg.cudnn_benchmrk', 'env_cfg.cudnn_benchmark'),
        ('train_cfg.max_iter', 'train_cfg.max_iters'),
    ],
)
def test_a_nested_typo_names_what_was_meant(key: str, near: str) -> None:
    with pytest.raises(UserError, match=f'the option {key} .*did you mean .*{near}'):
        load_config(SUPERNET, {key: 1})


@pytest.mark.parametrize(
    'option',
    [
        {'model.backbone.shallow_stages': 1},
        {'model.backbone.frozen_stages': 1},
        {'train_dataloader.prefetch_factor': 3},
        {'optim_wrapper.accumulative_counts': 2},
        {'optim_wrapper.optimizer.nesterov': True},
        {'optim_wrapper.optimizer': dict(type='AdamW', lr=1e-3)},
        {'optim_wrapper.optimizer.type': 'AdamW', 'optim_wrapper.optimizer.betas': (0.9, 0.99)},
        {'optim_wrapper.paramwise_cfg.norm_decay_mult': 0.0},
        {'default_hooks.checkpoint.max_keep_ckpts': 3},
        {'default_hooks.early': dict(type='EarlyStoppingHook', monitor='x')},
        {'model.neck._delete_': True, 'model.neck.type': 'FPN'},
        {'custom_hooks.0.priority': 'LOW'},
        {'env_cfg.anything_new': 3},
        {'train_cfg.dynamic_intervals': None},
    ],
)
def test_keys_that_a_part_takes_but_the_config_leaves_out_can_be_given(option: dict) -> None:
    load_config(SUPERNET, option)


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        ({'model.backbone': 3}, 'the option model.backbone=3 .* has settings; give them as'),
        ({'model.backbone.depths.first': 3}, 'the option model.backbone.depths.first'),
        ({'model.neck.channels.deep.er': 3}, 'the option model.neck.channels.deep.er'),
        ({'train_dataloader.dataset.pipeline.99.canvas': 1}, 'pipeline.99.canvas .* entries'),
    ],
)
def test_an_option_that_does_not_fit_is_one_short_sentence(option: dict, message: str) -> None:
    with pytest.raises(UserError, match=message) as told:
        load_config(SUPERNET, option)
    assert len(str(told.value)) < 300


def test_a_part_that_another_option_takes_away_is_refused() -> None:
    both = {'model.bbox_head.num_classes': 1, 'model': math.nan}
    with pytest.raises(UserError, match='model=nan puts a value where .* has settings'):
        load_config(SUPERNET, both)


@pytest.mark.parametrize('name', ['omdel', 'train_dataloder', 'trian_cfg', 'serach', 'load_form'])
def test_a_slip_in_a_top_level_key_of_a_file_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / 'own.py'
    path.write_text(f"_base_ = '{find_config(SUPERNET)}'\n{name} = None\n")
    with pytest.raises(UserError, match=f'own.py sets {name}, which nothing reads; did you mean'):
        load_config(path)


@pytest.mark.parametrize(
    ('line', 'said'),
    [
        ('model = dict(bbox_head=dict(bbox_coder=dict(ytpe=None)))', 'sets model.bbox_head.bbox_coder.ytpe'),
        ('custom_hooks = [dict(tpye=3)]', 'sets custom_hooks.0.tpye; did you mean type'),
        ('default_hooks = dict(logger=[-1, -1])', r'default_hooks.logger is \[-1, -1\], expected a dict'),
    ],
)  # fmt: skip
def test_a_part_without_its_type_is_refused(line: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / 'own.py'
    path.write_text(f"_base_ = '{find_config(SUPERNET)}'\n{line}\n")
    with pytest.raises(UserError, match=said):
        load_config(path)
    with pytest.raises(UserError, match='sets model.backbone.init_cfg.ytpe'):
        load_config(SUPERNET, {'model.backbone.init_cfg.ytpe': None})


def test_names_of_ones_own_are_kept(tmp_path: Path) -> None:
    path = tmp_path / 'own.py'
    names = ('models', 'my_lr', 'conv_cfg', 'train_pipeline_2', 'val_evaluator_all', 'data_roots')
    path.write_text(''.join(f'{name} = 3\n' for name in names))
    assert set(names) <= set(load_config(path))


def test_no_name_in_a_config_of_mmdet_looks_mistyped() -> None:
    """By their text: what they inherit from stands among them."""
    texts = [path.read_text(encoding='utf-8') for path in MMDETS.rglob('*.py')]
    names = {name for text in texts for name in re.findall(r'^(\w+) = ', text, re.MULTILINE)}
    known = [*OF_RUNNER, *OURS]
    assert len(names) > 200
    assert not [(name, meant) for name in names if (meant := mistyped(name, known))]


def test_the_keys_of_mmengines_runner_are_listed() -> None:
    assert {*OF_RUNNER, 'cfg', 'self'} == set(inspect.signature(Runner.__init__).parameters)


def test_a_new_key_of_settings_without_a_type_is_said_to_be_unknown() -> None:
    with pytest.warns(UserWarning, match='model.test_cfg.unheard_of adds unheard_of .* check'):
        load_config(SUPERNET, {'model.test_cfg.unheard_of': 3})
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        load_config(SUPERNET, {'model.backbone.frozen_stages': 1, 'custom_hooks.0.seed': 3})
