"""Keys of configs that have another name now."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmbfbox.errors import UserError
from mmbfbox.utils.config import load_config

DEMO = 'demo/bfbox_search_demo'


def config(folder: Path, search: str) -> Path:
    """A user's config that inherits from the demo's search."""
    base = Path(load_config(DEMO).filename)
    path = folder / 'mine.py'
    path.write_text(f'_base_ = {str(base)!r}\nsearch = dict({search})\n')
    return path


def test_an_old_key_works_with_one_line_of_notice(tmp_path: Path) -> None:
    mine = config(tmp_path, "strategy=dict(type='evolution'), race=dict(keep=3)")
    with pytest.warns(FutureWarning) as told:
        search = load_config(mine).search
    assert (search.sampler, search.pruner) == (dict(type='evolution'), dict(keep=3))
    assert 'strategy' not in search and 'race' not in search
    assert [str(notice.message) for notice in told] == [
        'the key search.strategy is search.sampler now; use that name',
        'the key search.race is search.pruner now; use that name',
    ]


def test_an_old_option_is_merged_into_the_new_key() -> None:
    option = {'search.limits.backbone_macs.max': 4.1e9}
    with pytest.warns(FutureWarning, match='search.limits is search.constraints now'):
        constraints = load_config(DEMO, option).search.constraints
    assert constraints == dict(detector_macs=dict(max=7.4e7), backbone_macs=dict(max=4.1e9))


def test_a_new_option_is_merged_into_a_config_with_the_old_key(tmp_path: Path) -> None:
    mine = config(tmp_path, 'race=dict(keep=3)')
    with pytest.warns(FutureWarning):
        assert load_config(mine, {'search.pruner.round': 9}).search.pruner == dict(keep=3, round=9)


def test_empty_settings_of_a_base_are_no_second_name(tmp_path: Path) -> None:
    path = config(tmp_path, 'limits=dict(params=dict(max=9))')
    text = path.read_text().replace(
        'search = dict(', 'search = dict(constraints=dict(_delete_=True), '
    )
    path.write_text(text)
    with pytest.warns(FutureWarning):
        assert load_config(path).search.constraints == dict(params=dict(max=9))


@pytest.mark.filterwarnings('ignore::FutureWarning')
def test_both_names_of_one_setting_are_refused_in_one_sentence(tmp_path: Path) -> None:
    mine = config(tmp_path, 'limits=dict(params=dict(max=9))')
    with pytest.raises(UserError, match='both search.limits and search.constraints'):
        load_config(mine)
    options = {'search.race.keep': 3, 'search.pruner.keep': 4}
    with pytest.raises(UserError, match='both search.race and search.pruner'):
        load_config(DEMO, options)
