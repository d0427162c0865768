"""Damage to text files that come from elsewhere, shared by annotations and predictions."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Draw = Any
"""Hypothesis' ``draw``."""

ODD_WORDS = (
    *(
        'nan',
        'inf',
        '-inf',
        '1e400',
        '-7',
        '-0',
        '99999999999',
        '9' * 400,
        '0x10',
        '',
        '1_0',
        '1.5',
    ),
    *('\0', '\u0663', '½', ';', ',', '#', '../../x.jpg', '/', '0', '1', '3', 'a b'),
)
HARMLESS = {
    'byte order mark': lambda data: b'\xef\xbb\xbf' + data,
    'CRLF': lambda data: data.replace(b'\n', b'\r\n'),
    'blank lines at the end': lambda data: data + b'\n\n',
    'trailing blanks': lambda data: data.replace(b'\n', b'  \n'),
    'no line end at the end': lambda data: data.rstrip(b'\n'),
    'all three of Notepad': lambda data: b'\xef\xbb\xbf' + data.replace(b'\n', b'\r\n') + b'\r\n',
}
"""What every reader takes as if it were not there."""
LEFT_BY_SYSTEMS = ('.DS_Store', '._{name}', 'Thumbs.db', 'desktop.ini', '.ipynb_checkpoints/{name}')
"""Files that systems and notebooks put beside the user's."""


@st.composite
def damaged(draw: Draw, data: bytes) -> tuple[str, bytes]:
    """What was done in a word, and the text after one to three changes of lines or bytes."""
    kinds = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(sorted(DAMAGE)))
        data = DAMAGE[kind](draw, data)
        kinds.append(kind)
    return kinds[0], data


def _line(draw: Draw, lines: list[bytes]) -> int:
    return draw(st.integers(0, len(lines) - 1))


def _delete(draw: Draw, data: bytes) -> bytes:
    lines = data.split(b'\n')
    del lines[_line(draw, lines)]
    return b'\n'.join(lines)


def _repeat(draw: Draw, data: bytes) -> bytes:
    lines = data.split(b'\n')
    lines.insert(_line(draw, lines), lines[_line(draw, lines)])
    return b'\n'.join(lines)


def _swap(draw: Draw, data: bytes) -> bytes:
    lines = data.split(b'\n')
    one, other = _line(draw, lines), _line(draw, lines)
    lines[one], lines[other] = lines[other], lines[one]
    return b'\n'.join(lines)


def _word(draw: Draw, data: bytes) -> bytes:
    lines = data.split(b'\n')
    at = _line(draw, lines)
    words = lines[at].split(b' ')
    words[_line(draw, words)] = draw(st.sampled_from(ODD_WORDS)).encode()
    lines[at] = b' '.join(words)
    return b'\n'.join(lines)


def _more_words(draw: Draw, data: bytes) -> bytes:
    lines = data.split(b'\n')
    at = _line(draw, lines)
    lines[at] += b' ' + draw(st.sampled_from(ODD_WORDS)).encode()
    return b'\n'.join(lines)


def _cut(draw: Draw, data: bytes) -> bytes:
    return data[: draw(st.integers(0, len(data)))]


def _bytes(draw: Draw, data: bytes) -> bytes:
    at = draw(st.integers(0, len(data)))
    return data[:at] + draw(st.binary(min_size=1, max_size=4)) + data[at:]


def _encoding(draw: Draw, data: bytes) -> bytes:
    return data.decode('latin-1').encode(draw(st.sampled_from(['utf-16', 'utf-16-le', 'utf-32'])))


def _separator(draw: Draw, data: bytes) -> bytes:
    return data.replace(b' ', draw(st.sampled_from([b',', b'\t', b'  ', b';', b''])))


DAMAGE = {
    'line deleted': _delete,
    'line repeated': _repeat,
    'lines swapped': _swap,
    'odd word': _word,
    'too many words': _more_words,
    'cut off': _cut,
    'odd bytes': _bytes,
    'other encoding': _encoding,
    'other separator': _separator,
}
