"""The site of the documents: every page is on it once, and links lead to where it has the files."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / 'docs'
SETTINGS = yaml.safe_load((ROOT / 'mkdocs.yml').read_text())
PYTHON = ROOT / '.venv-docs' / 'bin' / 'python'


def pages(part: Any) -> Iterator[str]:
    """The pages of the site's contents."""
    if isinstance(part, str):
        yield part
    else:
        for inner in part.values() if isinstance(part, dict) else part:
            yield from pages(inner)


def test_the_contents_name_every_document_once() -> None:
    listed = list(pages(SETTINGS['nav']))
    assert len(listed) == len(set(listed))
    own = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob('*.md')}
    outside = {name for name in listed if name.startswith('repository/')}
    assert set(listed) - outside - {'index.md'} == own
    assert all((ROOT / name.removeprefix('repository/')).is_file() for name in outside)


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    """Build the site of a copy of the documents, as ``make docs`` does."""
    if not PYTHON.is_file():
        pytest.skip('there is no .venv-docs; make docs makes it')
    command = [str(PYTHON), '-m', 'mkdocs', 'build', '--strict', '--site-dir', 'site']
    env = os.environ | {'NO_MKDOCS_2_WARNING': '1'}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A small site with the same settings: README, one page, one reference."""
    for name in ('docs/building', 'mmbfbox/space'):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / 'mmbfbox' / '__init__.py', tmp_path / 'mmbfbox')
    shutil.copy(ROOT / 'LICENSE', tmp_path)
    (tmp_path / 'README.md').write_text(
        '# Start\n\n[a page](docs/page.md#part), [terms](LICENSE)\n'
    )
    page = (
        '# Page\n\n## Part\n\n[start](../README.md), [an arch](reference.md#mmbfbox.space.Arch)\n'
    )
    (tmp_path / 'docs' / 'page.md').write_text(page)
    (tmp_path / 'docs' / 'reference.md').write_text('# Space\n\n::: mmbfbox.space\n')
    nav = ['index.md', 'page.md', 'reference.md']
    (tmp_path / 'mkdocs.yml').write_text(yaml.safe_dump({**SETTINGS, 'nav': nav}))
    return tmp_path


def test_links_out_of_docs_lead_to_what_the_site_has(copy: Path) -> None:
    built = build(copy)
    assert not built.returncode, built.stderr
    start = (copy / 'site' / 'index.html').read_text()
    assert 'href="page.html#part"' in start and 'href="repository/LICENSE"' in start
    assert (copy / 'site' / 'repository' / 'LICENSE').read_bytes() == (
        ROOT / 'LICENSE'
    ).read_bytes()
    assert 'href="index.html"' in (copy / 'site' / 'page.html').read_text()


def test_dead_links_and_missing_references_fail(copy: Path) -> None:
    page = copy / 'docs' / 'page.md'
    dead = {
        'no_such_page.md': '[gone](no_such_page.md)',
        'no_such_tool.py': '[gone](../tools/no_such_tool.py)',
        'no-such-heading': '[gone](reference.md#no-such-heading)',
        'mmbfbox.space.NoSuchName': '[gone][mmbfbox.space.NoSuchName]',
    }
    page.write_text(f'{page.read_text()}\n{" ".join(dead.values())}\n')
    built = build(copy)
    assert built.returncode
    assert not [name for name in dead if name not in built.stderr]
