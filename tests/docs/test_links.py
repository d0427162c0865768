"""Links between the Markdown files lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    str(path.relative_to(ROOT))
    for folder in ('docs', 'benchmarks', 'configs')
    for path in [*ROOT.glob('*.md'), *(ROOT / folder).rglob('*.md')]
)


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    titles = re.findall(r'^#+ (.*)$', text, re.MULTILINE)
    return {re.sub(r'[^\w -]', '', title.lower()).replace(' ', '-') for title in titles}


@pytest.mark.parametrize('name', sorted(set(FILES)))
def test_links_lead_to_files_and_headings(name: str) -> None:
    path = ROOT / name
    for link in re.findall(r'\]\(([^)\s]+)\)', path.read_text()):
        if '://' in link:
            continue
        file, _, anchor = link.partition('#')
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), f'{name} links to {link}, which does not exist'
        if anchor:
            assert anchor in anchors(target.read_text()), f'{name} links to {link}: no such heading'
