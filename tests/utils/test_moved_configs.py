"""Configs that have moved, and configs of users that inherit from them."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from mmbfbox.errors import UserError
from mmbfbox.utils.config import configs_dir, find_config, load_config
from mmbfbox.utils.moved_configs import MOVED_CONFIGS, current_name


@pytest.mark.parametrize('old', sorted(MOVED_CONFIGS))
def test_an_old_path_or_name_works_with_one_line_of_notice(old: str, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    new = configs_dir() / f'{MOVED_CONFIGS[old]}.py'
    assert new.is_file() and not (configs_dir() / f'{old}.py').exists()
    for spelling in (old, f'{old}.py', f'configs/{old}.py', configs_dir() / f'{old}.py'):
        with pytest.warns(FutureWarning, match=f'{old}.* is {MOVED_CONFIGS[old]} now') as said:
            assert find_config(spelling) == new
        assert len(said) == 1
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert find_config(current_name(old)) == new


def test_an_old_path_is_found_from_within_the_checkout(monkeypatch):
    monkeypatch.chdir(configs_dir() / 'demo')
    with pytest.warns(FutureWarning, match='paper/bfbox_supernet_wider_face now'):
        config = load_config('../paper/supernet.py')
    assert config.model.backbone.type == 'SearchableFaceBackbone'


@pytest.mark.parametrize('own', ['own.py', 'heir.py'])
def test_a_config_that_inherits_from_an_old_path_is_told_the_new_one(own: str, tmp_path: Path):
    base = configs_dir() / 'paper/supernet.py'
    (tmp_path / 'own.py').write_text(f'_base_ = {str(base)!r}\n')
    (tmp_path / 'heir.py').write_text("_base_ = './own.py'\n")
    with pytest.raises(UserError) as caught:
        load_config(tmp_path / own)
    said = str(caught.value)
    assert f'{tmp_path / own} or one of its bases inherits from paper/supernet.py' in said
    assert 'which is paper/bfbox_supernet_wider_face.py' in said and '\n' not in said
    (tmp_path / 'own.py').write_text(
        f'_base_ = {str(configs_dir() / "paper/bfbox_supernet_wider_face.py")!r}\n'
    )
    assert load_config(tmp_path / own).train_cfg.max_iters == 150000
