"""docs/design.md names files that exist, and in the tables things that stand in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DESIGN = (ROOT / 'docs' / 'design.md').read_text()
CHANGES = [
    [cell.strip() for cell in line.strip('|').split('|')]
    for line in DESIGN.partition('## To change something')[2].partition('\n## ')[0].splitlines()
    if line.startswith('|')
][2:]
PATHS = sorted(
    {
        path
        for path in re.findall(r'`([\w./-]+)`', DESIGN)
        if re.search(r'/|\.py$', path) and not path.startswith('DIR/')
    }
)


def find(path: str) -> Path | None:
    """A file or folder by its name from the checkout, from the package, or beside any of its files."""
    places = [ROOT, ROOT / 'mmbfbox', ROOT / 'configs']
    found = [place / path for place in places if (place / path).exists()]
    if not found and '/' not in path.rstrip('/'):
        found = [file for place in places[1:] for file in place.rglob(path.rstrip('/'))]
    return found[0] if found else None


def test_the_table_has_20_tasks() -> None:
    assert len(CHANGES) >= 20
    assert all(len(row) == 3 for row in CHANGES)


@pytest.mark.parametrize('path', PATHS)
def test_every_file_and_folder_that_is_named_exists(path: str) -> None:
    assert find(path), f'docs/design.md names {path}, which does not exist'


@pytest.mark.parametrize(('task', 'opened', 'there'), CHANGES, ids=[row[0] for row in CHANGES])
def test_what_is_to_be_opened_holds_what_the_table_says(task: str, opened: str, there: str) -> None:
    path = find(opened.strip('`'))
    assert path, f'{task}: {opened} does not exist'
    files = [path] if path.is_file() else [*path.glob('*.py')]
    names = [name for name in re.findall(r'`(\w+)`', there)]
    # What is counted elsewhere is said with the place: `name` of `file`.
    places = re.findall(r'`([\w/]+\.py)`', there)
    files += [found for place in places if (found := find(place))]
    text = ''.join(file.read_text() for file in files)
    assert not [name for name in names if name not in text]
