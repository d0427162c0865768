"""What every file that steps exchange promises."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mmbfbox.artifacts.base import Artifact
from mmbfbox.errors import UserError


@dataclass(frozen=True)
class Page(Artifact):
    """Of schema 2, in which ``name`` became ``title``."""

    SCHEMA = 2
    KIND = 'a page'
    title: str
    pages: int = 1
    note: str | None = None

    @classmethod
    def upgrade(cls, data: dict[str, Any], schema: int) -> dict[str, Any]:
        data['title'] = data.pop('name')
        return data


def test_what_is_written_is_read(tmp_path: Path) -> None:
    page = Page('über', 3)
    page.write(tmp_path / 'page.json')
    assert Page.read(tmp_path / 'page.json') == page


def test_a_file_of_an_older_schema_is_read(tmp_path: Path) -> None:
    (tmp_path / 'old.json').write_text('\ufeff{"name": "old"}', encoding='utf-8')
    assert Page.read(tmp_path / 'old.json') == Page('old')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{"schema": 3, "title": "new"}', 'of schema 3, and this version of mmbfbox reads up to 2'),
        ('{"schema": "x"}', "damaged or not a page \\(the schema is 'x'"),
        ('{"schema": 2, "title": "a", "size": 1}', 'unknown field size'),
        ('{"schema": 2}', 'no title'),
        ('{"schema": 1}', 'damaged or not a page'),
        ('[1]', 'expected an object, not list'),
        ('{"title"', 'damaged or not a page'),
    ],
)
def test_what_does_not_fit_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / 'page.json').write_text(text)
    with pytest.raises(UserError, match=message):
        Page.read(tmp_path / 'page.json')


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r'a page\) cannot be read: No such file'):
        Page.read(tmp_path / 'none.json')


def test_a_value_that_json_has_not_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match='JSON cannot hold'):
        Page('a', float('nan')).write(tmp_path / 'page.json')  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
