"""A config stored in a checkpoint is read, not run."""

from __future__ import annotations

import math

import pytest
from mmengine import Config

from mmbfbox.errors import UserError
from mmbfbox.utils.config import config_from_text, config_text, configs_dir, load_config

pytestmark = pytest.mark.usefixtures('with_layout')


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
        'a = infinity',
        "a = float('1', 2)",
        'a = float(open)',
        "a = -'x'",
    ],
)
def test_anything_else_is_refused(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match='stored in x.pth is refused'):
        config_from_text(text, 'x.pth')
    assert not list(tmp_path.iterdir())


def test_infinity_and_nan_survive_in_every_text_and_file(tmp_path):
    inf = math.inf
    content = dict(
        spare=inf, low=-inf, none=math.nan, words='inf, nan', inf=1, é=dict(ü=inf, b=[(inf, 1)])
    )
    config = Config(content)
    config.dump(tmp_path / 'mmengine.py')
    (tmp_path / 'ours.py').write_text(config_text(config))
    for read in (
        config_from_text(config.pretty_text, 'x'),
        config_from_text(config_text(config), 'x'),
        load_config(tmp_path / 'mmengine.py'),
        load_config(tmp_path / 'ours.py'),
        Config.fromfile(tmp_path / 'ours.py'),
    ):
        found = read.to_dict()
        assert math.isnan(found.pop('none'))
        assert found == {key: value for key, value in content.items() if key != 'none'}
    assert load_config(tmp_path / 'mmengine.py', dict(low=3)).low == 3
