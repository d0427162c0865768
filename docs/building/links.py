"""The site holds what the documents link to, also where that is not in docs/: a hook of mkdocs.

On a code host a document may link to any file beside it. On the site docs/ is the root, the README is the
first page, and each other file that is linked to stands under ``repository/``, Markdown as a page.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / 'docs'
OUTSIDE = 'repository/'
_LINK = re.compile(r'(\]\()([^)\s#]+)((?:#[^)\s]*)?\))')


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is linked to, and what that links to."""
    found = {ROOT / 'README.md'}
    new = found | {DOCS / file.src_uri for file in files.documentation_pages()}
    while new:
        found |= new
        pages = [path for path in new if path.suffix == '.md']
        new = {target for page in pages for target in targets(page)} - found
    for path in sorted(found):
        if not files.get_file_from_path(place(path)):
            files.append(File.generated(config, place(path), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let the links lead to where the site has the files."""
    here = source(page.file.src_uri)

    def moved(match: re.Match[str]) -> str:
        target = resolve(here, match[2])
        if target is None:
            return match[0]
        link = os.path.relpath(place(target), os.path.dirname(page.file.src_uri) or '.')
        return match[1] + link + match[3]

    return _LINK.sub(moved, markdown)


def targets(document: Path) -> Iterator[Path]:
    """The files of the repository that a document links to."""
    for match in _LINK.finditer(document.read_text(encoding='utf-8')):
        if target := resolve(document, match[2]):
            yield target


def resolve(document: Path, link: str) -> Path | None:
    """The file that a link means; None for an address, and for what is not there, about which mkdocs
    complains. What only the site has (the reference, the page) is no file."""
    if '://' in link or link.startswith('mailto:'):
        return None
    path = (document.parent / link).resolve()
    if path.is_dir():
        path /= 'README.md'
    return path if path.is_file() and path.is_relative_to(ROOT) else None


def place(path: Path) -> str:
    """Where the site has a file."""
    if path == ROOT / 'README.md':
        return 'index.md'
    if path.is_relative_to(DOCS):
        return path.relative_to(DOCS).as_posix()
    return OUTSIDE + path.relative_to(ROOT).as_posix()


def source(uri: str) -> Path:
    """The file that stands at a place of the site."""
    if uri == 'index.md':
        return ROOT / 'README.md'
    if uri.startswith(OUTSIDE):
        return ROOT / uri.removeprefix(OUTSIDE)
    return DOCS / uri
