"""Reading and writing the files of the FDDB protocol."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmbfbox.errors import UserError
from mmbfbox.evaluation.fddb.io import (
    read_fddb_annotations,
    read_fddb_detections,
    read_fddb_sizes,
    write_fddb_curves,
    write_fddb_detections,
)
from mmbfbox.evaluation.fddb.protocol import FddbCurve


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    detections = {'2002/a': np.array([[1.25, 2, 3, 4, 0.5]]), '2002/b': np.zeros((0, 5))}
    write_fddb_detections(tmp_path / 'all.txt', detections)
    back = read_fddb_detections(tmp_path / 'all.txt')
    assert {name: rows.tolist() for name, rows in back.items()} == {
        name: rows.tolist() for name, rows in detections.items()
    }


def test_folds_of_a_folder_are_read_as_one_set(tmp_path: Path) -> None:
    (tmp_path / 'fold-01-out.txt').write_bytes(b'a.jpg\r\n1\r\n1 2 3 4 .5\r\n')
    (tmp_path / 'fold-02-out.txt').write_text('\nb\n0\n')
    detections = read_fddb_detections(tmp_path)
    assert {name: len(rows) for name, rows in detections.items()} == {'a': 1, 'b': 0}


@pytest.mark.parametrize(
    ('content', 'line'),
    [
        ('a\n', 1),
        ('a\nb\n', 2),
        ('a\n-1\n', 2),
        ('a\n2\n1 2 3 4 .5\n', 1),
        ('a\n1\n1 2 3 4\n', 3),
        ('a\n1\n1 2 3 4 nan\n', 3),
        ('a\n2\n1 2 3 4 .5\n\n1 2 3 4 5 .5\n', 5),
        ('a\n0\na\n0\n', 3),
        ('a\n1\n-1 2 0 4 5 .5\n', 3),
        ('a\n0\n1 2 3 4 .5\n', 3),
        ('a\n1\n1 2 1e9 4 .5\n', 3),
        ('a\n' + '9' * 5000 + '\n', 2),
    ],
)
def test_wrong_lines_are_refused_with_file_and_line(
    tmp_path: Path, content: str, line: int
) -> None:
    path = tmp_path / 'all.txt'
    path.write_text(content)
    with pytest.raises(UserError) as error:
        read_fddb_detections(path)
    assert str(error.value).startswith(f'{path}:{line}: ')


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=50),
        st.lists(
            st.sampled_from(['a', 'b', '0', '1', '2', '1 2 3 4 .5', '1 2 0 4 5 1', 'nan', '', '²']),
            max_size=9,
        ).map(lambda lines: '\n'.join(lines).encode()),
    )
)
def test_any_content_is_read_or_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'all.txt'
        path.write_bytes(content)
        try:
            regions = read_fddb_detections(path)
        except UserError:
            return
        lines = [line for line in content.decode().split('\n') if line.strip()]
        assert len(lines) == 2 * len(regions) + sum(map(len, regions.values()))


def test_sizes_come_from_the_list_or_from_the_images(tmp_path: Path) -> None:
    image = tmp_path / 'originalPics/2002/img_1.jpg'
    image.parent.mkdir(parents=True)
    Image.new('RGB', (30, 20)).save(image)
    assert read_fddb_sizes(tmp_path, ['2002/img_1']) == {'2002/img_1': (30, 20)}
    with pytest.raises(UserError, match='img_2'):
        read_fddb_sizes(tmp_path, ['2002/img_2'])
    (tmp_path / 'image_sizes.txt').write_text('2002/img_2 7 8\n')
    assert read_fddb_sizes(tmp_path, ['2002/img_2']) == {'2002/img_2': (7, 8)}
    for line in ('x y z', 'x 0 5', 'x 5', 'x 5 999999'):
        (tmp_path / 'image_sizes.txt').write_text(f'2002/img_2 7 8\n{line}\n')
        with pytest.raises(UserError, match=r'image_sizes\.txt:2'):
            read_fddb_sizes(tmp_path, [])


def test_missing_folds_and_rectangles_as_annotations_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match='FDDB-folds'):
        read_fddb_annotations(tmp_path)
    (tmp_path / 'list.txt').write_text('a\n1\n1 2 3 4 .5\n')
    with pytest.raises(UserError, match='ellipses'):
        read_fddb_annotations(tmp_path, tmp_path / 'list.txt')


def test_curves_are_written_lowest_score_first(tmp_path: Path) -> None:
    curve = FddbCurve(
        faces=4,
        score=np.array([0.9, 0.5]),
        discrete=np.array([1, 2]),
        continuous=np.array([0.8, 1.6]),
        false_positives=np.array([0, 3]),
    )
    write_fddb_curves(tmp_path, curve)
    assert (tmp_path / 'DiscROC.txt').read_text() == '0.5 3 0.5\n0.25 0 0.9\n'
    assert (tmp_path / 'ContROC.txt').read_text() == '0.4 3\n0.2 0\n'
