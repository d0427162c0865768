"""What the documents tell their readers to type, and which files they name."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r'^ *```(\w*)\n(.*?)^ *```', re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r'(?<!`)`([^`]+)`(?!`)')
_LINK = re.compile(r'\]\(([^)#\s]+)')
_COMMAND = re.compile(
    r'(?:\w+=\S* )*(?:python[\d.]*|pytest|make|mmbfbox|bash|tools/\S+\.sh)(?: |$)'
)
SHELL = ('', 'bash', 'sh', 'console')


@dataclass(frozen=True)
class Command:
    """One command line.

    Args:
        words: its words, without assignments before the program.
        whole: it stands in a block to be typed as it is; in a sentence it may be a part of one.
    """

    words: tuple[str, ...]
    whole: bool

    def __str__(self) -> str:
        return ' '.join(self.words)


def documents() -> list[Path]:
    """Every text for users and contributors."""
    folders = ('docs', 'configs', 'benchmarks', 'ops')
    inner = itertools.chain.from_iterable((ROOT / name).rglob('*.md') for name in folders)
    return sorted([*ROOT.glob('*.md'), *inner])


def commands(document: Path) -> list[Command]:
    """The commands of a document, those of its blocks first."""
    text = document.read_text(encoding='utf-8')
    blocks = [body for language, body in _FENCE.findall(text) if language in SHELL]
    prose = _FENCE.sub('', text)
    blocks += re.findall(r'(?:^(?: {4}.*)\n)+', prose, re.MULTILINE)
    found = [Command(words, True) for block in blocks for words in _of_block(block)]
    sentences = re.sub(r'\s*\n\s*', ' ', prose)
    for span in _SPAN.findall(sentences):
        found += [Command(words, False) for words in _of_line(span)]
    return found


def python_blocks(document: Path) -> list[str]:
    """The Python blocks of a document."""
    text = document.read_text(encoding='utf-8')
    return [body for language, body in _FENCE.findall(text) if language in ('python', 'py')]


def named_files(document: Path) -> list[str]:
    """Files of the repository that a document names in code spans; braces are written out."""
    names = []
    for span in _SPAN.findall(document.read_text(encoding='utf-8')):
        name = span.split(':')[0].strip()
        if re.fullmatch(r'[\w./{},-]+/[\w.{},-]+\.(py|sh|md|toml|yml|js|html)', name):
            names += _expanded(name)
    return names


def links(document: Path) -> list[str]:
    """Targets of the links that stay in the repository."""
    targets = _LINK.findall(document.read_text(encoding='utf-8'))
    return [
        target for target in targets if '://' not in target and not target.startswith('mailto:')
    ]


def _of_block(block: str) -> Iterator[tuple[str, ...]]:
    for line in re.sub(r'\\\n\s*', ' ', block).splitlines():
        yield from _of_line(line)


def _of_line(line: str) -> Iterator[tuple[str, ...]]:
    line = line.strip().removeprefix('$ ')
    if not _COMMAND.match(line):
        return
    for part in re.split(r' && | \| |; ', re.sub(r' +#.*', '', line)):
        words = shlex.split(part)
        while words and re.fullmatch(r'[A-Z_]+=.*', words[0]):
            del words[0]
        if words:
            yield tuple(words)


def _expanded(name: str) -> list[str]:
    """``{a,b}.py`` as two names."""
    match = re.search(r'\{([^}]*)\}', name)
    if not match:
        return [name]
    ends = match[1].split(',')
    return [x for end in ends for x in _expanded(name[: match.start()] + end + name[match.end() :])]
