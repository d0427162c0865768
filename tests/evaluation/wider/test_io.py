"""Reading and writing the files of the WIDER FACE protocol."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbfbox.errors import UserError
from mmbfbox.evaluation.wider.ground_truth import WiderGroundTruth
from mmbfbox.evaluation.wider.io import read_wider_predictions, write_wider_predictions


def write(folder: Path, content: str | bytes, name: str = '0--Parade/a.txt') -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    rows = np.array([[1.25, 2.5, 30.125, 40.5, 0.1234567], [0, 0, 5, 5, 0.9]])
    write_wider_predictions(tmp_path, {'0--Parade/a': rows, '1--X/b': np.zeros((0, 5))})
    back = read_wider_predictions(tmp_path)
    assert back['0--Parade/a'].tolist() == rows[::-1].tolist()
    assert back['1--X/b'].shape == (0, 5)


def test_windows_line_ends_blank_lines_and_trailing_spaces_are_read(tmp_path: Path) -> None:
    write(tmp_path, 'a.jpg\r\n2\r\n1 2 3 4 0.5 \r\n\r\n5 6 7 8 1e-3\r\n')
    rows = read_wider_predictions(tmp_path)['0--Parade/a']
    assert rows.tolist() == [[1, 2, 3, 4, 0.5], [5, 6, 7, 8, 0.001]]


def test_oddities_are_counted_in_one_warning(tmp_path: Path) -> None:
    write(tmp_path, '')
    write(tmp_path, 'other\n1\n1 2 0 4 0.5\n', '0--Parade/b.txt')
    with pytest.warns(UserWarning, match='1 empty files.*1 files whose first.*1 boxes') as caught:
        predictions = read_wider_predictions(tmp_path)
    assert len(caught) == 1
    assert [len(rows) for rows in predictions.values()] == [0, 1]


@pytest.mark.parametrize(
    ('content', 'line'),
    [
        ('a\n', 2),
        ('a\nmany\n', 2),
        ('a\n-1\n', 2),
        ('a\n2\n1 2 3 4 0.5\n', 2),
        ('a\n0\n1 2 3 4 0.5\n', 2),
        ('a\n2\n1 2 3 4 0.5\n1 2 3 4\n', 4),
        ('a\n2\n1 2 3 4\n1 2 3 4 0.5\n', 3),
        ('a\n1\n1 2 3 4 0.5 7\n', 3),
        ('a\n1\n1 2 3 4 nan\n', 3),
        ('a\n2\n1 2 3 4 0.5\n\n1 2 inf 4 0.5\n', 5),
        ('a\n1\n1,2,3,4,0.5\n', 3),
        ('a\n1\n1 2 3 four 0.5\n', 3),
    ],
)
def test_wrong_lines_are_refused_with_file_and_line(
    tmp_path: Path, content: str, line: int
) -> None:
    path = write(tmp_path, content)
    with pytest.raises(UserError) as error:
        read_wider_predictions(tmp_path)
    assert str(error.value).startswith(f'{path}:{line}: ')


def test_wrong_folder_levels_are_refused(tmp_path: Path) -> None:
    write(tmp_path, 'a\n0\n', 'deep/0--Parade/a.txt')
    with pytest.raises(UserError, match='too deep'):
        read_wider_predictions(tmp_path)
    with pytest.raises(UserError, match='too high'):
        read_wider_predictions(tmp_path / 'deep/0--Parade')
    with pytest.raises(UserError, match='no predictions'):
        read_wider_predictions(write(tmp_path, '', 'none/x/readme.md').parents[1])
    with pytest.raises(UserError, match='not a folder'):
        read_wider_predictions(tmp_path / 'nowhere')


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=60),
        st.lists(
            st.one_of(
                st.sampled_from(['a', '1', '2', '0', '1 2 3 4 .5', '', 'nan', '1_0', '#', '\x00']),
                st.text(max_size=12),
            ),
            max_size=6,
        ).map(lambda lines: '\n'.join(lines).encode(errors='surrogatepass')),
    )
)
def test_any_content_is_read_completely_or_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter('ignore')
        write(Path(folder), content)
        try:
            rows = read_wider_predictions(folder)['0--Parade/a']
        except UserError:
            return
        if content.strip():
            lines = content.split(b'\n')
            assert len(rows) == int(lines[1]) == sum(bool(line.split()) for line in lines[2:])
            numbers = [float(word) for line in lines[2:] for word in line.split()]
            assert rows.ravel().tolist() == numbers
        assert np.isfinite(rows).all()


def test_names_that_are_not_event_and_image_are_refused(tmp_path: Path) -> None:
    for name in ('../a', '/a'):
        with pytest.raises(UserError, match='event/name'):
            write_wider_predictions(tmp_path, {name: np.zeros((0, 5))})


def test_damaged_and_missing_mats_are_refused(tmp_path: Path, shared_data: Path) -> None:
    with pytest.raises(UserError, match='missing'):
        WiderGroundTruth.from_mats(tmp_path)
    source = shared_data / 'wider_mini/ground_truth'
    for file in source.glob('*.mat'):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    easy = (tmp_path / 'wider_easy_val.mat').read_bytes()
    for damaged in (easy[:1000], b'', easy[:200] + b'\x07' * 100 + easy[300:]):
        (tmp_path / 'wider_easy_val.mat').write_bytes(damaged)
        with pytest.raises(UserError, match='wider_easy_val'):
            WiderGroundTruth.from_mats(tmp_path)
    full = shared_data / 'wider_ground_truth/wider_easy_val.mat'
    (tmp_path / 'wider_easy_val.mat').write_bytes(full.read_bytes())
    with pytest.raises(UserError, match='does not belong'):
        WiderGroundTruth.from_mats(tmp_path)
