"""Imports of modules that have moved."""

from __future__ import annotations

import importlib
import sys

import pytest

from mmbfbox.utils.moved import MOVED


@pytest.mark.parametrize('old', sorted(MOVED))
def test_an_old_import_works_with_one_line_of_notice(old: str) -> None:
    for name in [name for name in sys.modules if name == f'mmbfbox.{old}']:
        del sys.modules[name]
    with pytest.warns(FutureWarning, match=f'mmbfbox.{MOVED[old]} now'):
        module = importlib.import_module(f'mmbfbox.{old}')
    new = importlib.import_module(f'mmbfbox.{MOVED[old]}')
    assert module is new
    assert new.__name__ == new.__spec__.name == f'mmbfbox.{MOVED[old]}'
