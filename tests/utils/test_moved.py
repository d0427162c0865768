"""Imports of modules that have moved."""

from __future__ import annotations

import importlib
import sys

import pytest

from mmbfbox.utils.moved import MOVED

# Their folder has a function of the same name.
HIDDEN = ('search.build_scorer', 'search.build_searcher', 'search.recalibrate')


@pytest.mark.parametrize('old', HIDDEN)
def test_an_old_module_never_hides_a_function_of_its_name(old: str) -> None:
    folder, _, name = f'mmbfbox.{old}'.rpartition('.')
    function = getattr(importlib.import_module(folder), name)
    with pytest.raises(ImportError, match=f'is mmbfbox.{MOVED[old]} now; import that'):
        importlib.import_module(f'mmbfbox.{old}')
    assert getattr(importlib.import_module(folder), name) is function


@pytest.mark.parametrize('old', sorted(set(MOVED) - set(HIDDEN)))
def test_an_old_import_works_with_one_line_of_notice(old: str) -> None:
    for name in [name for name in sys.modules if name == f'mmbfbox.{old}']:
        del sys.modules[name]
    with pytest.warns(FutureWarning, match=f'mmbfbox.{MOVED[old]} now'):
        module = importlib.import_module(f'mmbfbox.{old}')
    new = importlib.import_module(f'mmbfbox.{MOVED[old]}')
    assert module is new
    assert new.__name__ == new.__spec__.name == f'mmbfbox.{MOVED[old]}'
