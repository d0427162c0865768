"""The AFW and PASCAL Face protocol gives the toolbox's numbers and reads its files."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbfbox.errors import UserError
from mmbfbox.evaluation.face_eval.io import (
    read_face_eval_annotations,
    read_face_eval_detections,
    write_face_eval_detections,
)
from mmbfbox.evaluation.face_eval.protocol import evaluate_face_eval, is_ignored


@pytest.mark.parametrize(
    ('benchmark', 'detector', 'faces', 'refined', 'plain'),
    [
        ('afw', 'AFW_HeadHunter', 473, 97.14, None),
        ('afw', 'AFW_DPM', 473, 97.21, 92.04),
        ('pascal', 'PASCAL_BAdaCost', 1341, 87.03, 86.15),
    ],
)
def test_equals_the_toolbox_to_two_decimals(
    shared_data: Path, benchmark: str, detector: str, faces: int, refined: float, plain: float
) -> None:
    folder = shared_data / 'afw_pascal'
    detections = read_face_eval_detections(folder / f'detections/{detector}.txt')
    result = evaluate_face_eval(detections, *read_face_eval_annotations(folder, benchmark))
    assert result.faces == faces
    assert round(100 * result.ap, 2) == refined
    assert plain is None or round(100 * result.ap_without_refinement, 2) == plain


def one_image(faces: list, detections: list, flags: list | None = None) -> tuple:
    return (
        {'a': np.array(detections, dtype=float).reshape(-1, 5)},
        {'a': np.array(faces, dtype=float).reshape(-1, 4)},
        {'a': np.array(flags or [False] * len(faces), dtype=bool)},
    )


def test_refinement_removes_a_constant_offset_and_scale() -> None:
    faces = [[100 * i, 0, 100 * i + 40, 40] for i in range(1, 9)]
    drawn = [[x1 + 6, y1, x1 + 42, y2, 0.9] for x1, y1, _, y2 in faces]
    far = [[faces[0][0], 200, faces[0][0] + 36, 240, 0.1]]
    result = evaluate_face_eval(*one_image(faces, drawn + far))
    assert result.ap == result.ap_without_refinement == 1.0
    assert result.refinement[0] == pytest.approx([-4 / 36, 0, 40 / 36, 1])
    assert result.refinement[1] == pytest.approx([0, 0, 1, 1])


def test_ignored_faces_count_neither_way_and_second_hits_are_false() -> None:
    faces = [[0, 0, 50, 50], [100, 0, 150, 50], [200, 0, 229, 50]]
    detections = [[*face, 0.9 - i / 10] for i, face in enumerate(faces)]
    detections.append([0, 0, 50, 50, 0.1])
    result = evaluate_face_eval(*one_image(faces, detections, [False, True, False]))
    assert result.faces == 1
    assert result.recall.tolist() == [1, 1, 1, 1]
    assert result.precision.tolist() == [1, 1, 1, 0.5]


def test_small_detections_are_dropped_and_unknown_images_are_false_positives() -> None:
    detections, faces, flags = one_image([[0, 0, 50, 50]], [[0, 0, 50, 50, 0.5], [0, 0, 21, 21, 1]])
    detections['b'] = np.array([[0.0, 0, 22, 5, 0.9]])
    result = evaluate_face_eval(detections, faces, flags)
    assert result.score.tolist() == [0.9, 0.5]
    assert result.precision.tolist() == [0, 0.5]


def test_exactly_one_half_is_no_hit() -> None:
    result = evaluate_face_eval(*one_image([[0, 0, 39, 39]], [[0, 0, 39, 19, 0.9]]))
    assert result.ap == 0.0


def test_faces_below_30_pixels_are_ignored() -> None:
    faces = np.array([[0, 0, 30, 30], [0, 0, 29, 60], [0, 0, 60, 29], [0, 0, 60, 60]])
    flags = np.array([False, False, False, True])
    assert is_ignored(faces, flags).tolist() == [False, True, True, True]


def test_nothing_found_and_nothing_to_find() -> None:
    assert evaluate_face_eval(*one_image([[0, 0, 50, 50]], [])).ap == 0.0
    assert np.isnan(evaluate_face_eval(*one_image([], [[0, 0, 50, 50, 0.5]])).ap)
    with pytest.raises(UserError, match='finite'):
        evaluate_face_eval(*one_image([], [[0, 0, 50, 50, np.nan]]))


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    detections = {'a': np.array([[1.5, 2, 30, 40, 0.25], [0, 0, 9, 9, -1e-7]])}
    write_face_eval_detections(tmp_path / 'all.txt', detections)
    back = read_face_eval_detections(tmp_path / 'all.txt')
    assert back['a'].tolist() == detections['a'].tolist()


def test_suffixes_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / 'all.txt'
    path.write_bytes(b'a.jpg 0.5 1 2 3 4\r\n\r\na 0.25 5 6 7 8\r\n')
    assert read_face_eval_detections(path)['a'][:, 4].tolist() == [0.5, 0.25]


@pytest.mark.parametrize(
    'line', ['a', 'a 1 2 3 4', 'a 1 2 3 4 5 6', 'a x 1 2 3 4', 'a nan 1 2 3 4']
)
def test_wrong_lines_are_refused_with_file_and_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / 'all.txt'
    path.write_text(f'a 0.5 1 2 3 4\n{line}\n')
    with pytest.raises(UserError) as error:
        read_face_eval_detections(path)
    assert str(error.value).startswith(f'{path}:2: ')


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=50),
        st.lists(
            st.sampled_from(['a 1 2 3 4 5', 'b .5 0 0 9 9', '1 2', '', 'a inf 1 2 3 4', 'é'])
        ).map(lambda lines: '\n'.join(lines).encode()),
    )
)
def test_any_content_is_read_or_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'all.txt'
        path.write_bytes(content)
        try:
            detections = read_face_eval_detections(path)
        except UserError:
            return
        lines = [line for line in content.decode().split('\n') if line.strip()]
        assert len(lines) == sum(map(len, detections.values()))


def test_missing_and_damaged_mats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match='missing'):
        read_face_eval_annotations(tmp_path, 'afw')
    (tmp_path / 'new_annotations_AFW.mat').write_bytes(b'no mat')
    with pytest.raises(UserError, match='not a readable mat'):
        read_face_eval_annotations(tmp_path, 'afw')
