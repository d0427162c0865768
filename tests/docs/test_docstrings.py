"""What the docstrings refer to is there."""

from __future__ import annotations

import pkgutil
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROLE = re.compile(r':(?:class|func|meth|mod|data|attr|exc):`~?(mmbfbox[\w.]*)`')
REFERENCE = re.compile(r'^::: (\S+)$', re.MULTILINE)
SOURCES = sorted((ROOT / 'mmbfbox').rglob('*.py'))
NAMES = sorted({name for file in SOURCES for name in ROLE.findall(file.read_text())})
PAGES = sorted((ROOT / 'docs' / 'reference').glob('*.md'))


@pytest.mark.parametrize('name', NAMES)
def test_a_name_in_a_docstring_can_be_imported(name: str) -> None:
    assert pkgutil.resolve_name(name) is not None


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_what_the_reference_shows_can_be_imported(page: Path) -> None:
    shown = REFERENCE.findall(page.read_text())
    assert shown or page.stem == 'index'
    assert all(pkgutil.resolve_name(name) is not None for name in shown)
