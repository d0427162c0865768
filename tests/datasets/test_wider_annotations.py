"""The official annotation files are read completely, and a broken one is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mmbfbox.datasets.wider_annotations import ATTRIBUTES, parse_wider_annotations
from mmbfbox.errors import UserError

QUIRKS = """0--Parade/one.jpg
3
10 20 30 40 2 1 0 1 2 1\x20
5 5 0 7 0 0 0 0 0 0
7 8 -3 4 0 0 0 0 0 0 \t
0--Parade/none_counted_0.jpg
0
0 0 0 0 0 0 0 0 0 0\x20
1--Handshaking/none_counted_1.jpg
1
0 0 0 0 0 0 0 0 0 0
1--Handshaking/none_without_row.jpg
0
1--Handshaking/last.jpg
1
1 2 3 4 0 0 0 0 0 0
"""


@pytest.mark.parametrize(
    ('split', 'images', 'boxes', 'dropped', 'invalid'),
    [('train', 12880, 159424, 31, 2399), ('val', 3226, 39708, 11, 585)],
)
def test_official_files_are_read_completely(shared_data, split, images, boxes, dropped, invalid):
    path = shared_data / 'wider_annotations' / f'wider_face_{split}_bbx_gt.txt'
    records = parse_wider_annotations(path)
    assert len(records) == images
    assert sum(len(record.boxes) + record.dropped for record in records) == boxes
    assert sum(record.dropped for record in records) == dropped
    assert sum(record.invalid.sum() for record in records) == invalid
    assert all((record.boxes[:, 2:] > record.boxes[:, :2]).all() for record in records)


@pytest.mark.parametrize('line_end', ['\n', '\r\n'])
def test_quirks(tmp_path: Path, line_end: str):
    path = tmp_path / 'gt.txt'
    path.write_bytes(QUIRKS.replace('\n', line_end).encode())
    records = parse_wider_annotations(path)
    assert [record.image_id for record in records] == [
        '0--Parade/one',
        '0--Parade/none_counted_0',
        '1--Handshaking/none_counted_1',
        '1--Handshaking/none_without_row',
        '1--Handshaking/last',
    ]
    assert [len(record.boxes) for record in records] == [1, 0, 0, 0, 1]
    assert [record.dropped for record in records] == [2, 0, 1, 0, 0]
    first = records[0]
    np.testing.assert_array_equal(first.boxes, np.array([[10, 20, 40, 60]], np.float32))
    assert dict(zip(ATTRIBUTES, first.attributes[0].tolist(), strict=True)) == dict(
        blur=2, expression=1, illumination=0, invalid=1, occlusion=2, pose=1
    )
    assert first.invalid.tolist() == [True]


@pytest.mark.parametrize(
    ('old', 'new', 'line'),
    [
        ('10 20 30 40 2 1 0 1 2 1', '10 20 30 x 2 1 0 1 2 1', 3),
        ('10 20 30 40 2 1 0 1 2 1', '10 20 nan 40 2 1 0 1 2 1', 3),
        ('10 20 30 40 2 1 0 1 2 1', '10 1e9 30 40 2 1 0 1 2 1', 3),
        ('10 20 30 40 2 1 0 1 2 1', '10 20 30 40 2 1 0 300 2 1', 3),
        ('5 5 0 7 0 0 0 0 0 0', '5 5 0 7', 4),
        ('one.jpg\n3', 'one.jpg\n' + '9' * 5000, 2),
        ('one.jpg\n3', 'one.jpg\nthree', 2),
        ('one.jpg\n3', 'one.jpg\n2', 5),
        ('last.jpg\n1', 'last.jpg\n2', 17),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, old: str, new: str, line: int):
    path = tmp_path / 'gt.txt'
    path.write_text(QUIRKS.replace(old, new, 1))
    with pytest.raises(UserError, match=rf'gt\.txt, line {line}: found .* unpack') as caught:
        parse_wider_annotations(path)
    assert '\n' not in str(caught.value)


def test_a_missing_file_is_one_sentence(tmp_path: Path):
    with pytest.raises(UserError, match=r'cannot read the annotations .* unpack'):
        parse_wider_annotations(tmp_path / 'nothing.txt')
