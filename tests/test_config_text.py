"""A config stored in a checkpoint is read, not run."""

from __future__ import annotations

import pytest

from mmbfbox.errors import UserError
from mmbfbox.utils.config import config_from_text, configs_dir, load_config


@pytest.mark.parametrize(
    'name',
    ['paper/bfbox_supernet_wider_face', 'demo/bfbox_search_demo', 'mini/bfbox_subnet_wider_mini'],
)
def test_what_mmengine_stores_is_read_back(name):
    config = load_config(configs_dir() / f'{name}.py')
    config.odd = {'a-b': dict(c=(1, -2.5, None)), 'd': [dict(e=True)]}
    assert config_from_text(config.pretty_text, 'x.pth').to_dict() == config.to_dict()


@pytest.mark.parametrize(
    'text',
    [
        'import os',
        "a = __import__('os')",
        "a = open('victim', 'w')",
        'a = dict(b=[x for x in (1, 2)])',
        'a.b = 1',
        'a = b = 1',
        'a = dict(**c)',
        'a = (',
        'a = 1\x00',
        'a = ' + '[' * 500 + ']' * 500,
    ],
)
def test_anything_else_is_refused(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match='stored in x.pth is refused'):
        config_from_text(text, 'x.pth')
    assert not list(tmp_path.iterdir())
