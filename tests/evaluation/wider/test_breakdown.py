"""Errors of a WIDER FACE evaluation are found where they are."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mmbfbox.errors import UserError
from mmbfbox.evaluation.wider.breakdown import by_event, by_height, worst_images
from mmbfbox.evaluation.wider.contact_sheet import CAPTION, HEIGHT, WIDTH, draw_errors, find_image
from mmbfbox.evaluation.wider.protocol import WiderGroundTruth, match_wider_face, wider_result
from mmbfbox.evaluation.wider.report import write_worst_images

BOXES = {
    '0--Parade/a': [[0, 0, 30, 30], [100, 0, 60, 60], [200, 0, 9, 9]],
    '10--Dance/b': [[0, 0, 90, 90]],
    '2--Riot/c': [],
}
PREDICTIONS = {
    '0--Parade/a': np.array([[0, 0, 30, 30, 0.9], [1, 0, 30, 30, 0.8], [300, 0, 15, 15, 0.7]]),
    '10--Dance/b': np.array([[0, 0, 90, 90, 0.2], [300.0, 0, 90, 90, 1.0], [300, 0, 9, 9, 0.0]]),
}


@pytest.fixture
def truth() -> WiderGroundTruth:
    return WiderGroundTruth.from_boxes_by_size(
        BOXES, {name: [True] * len(rows) for name, rows in BOXES.items()}
    )


def test_events_are_judged_alone_and_in_numeric_order(truth: WiderGroundTruth) -> None:
    matches = match_wider_face(PREDICTIONS, truth)
    curves = by_event(matches, truth)
    assert list(curves) == ['0--Parade', '2--Riot', '10--Dance']
    counts = [(curve.faces, curve.misses, curve.false_positives) for curve in curves.values()]
    assert counts == [(2, 1, 2), (0, 0, 0), (1, 0, 2)]
    assert curves['10--Dance'].ap == 0.5
    whole = wider_result(matches, truth).hard
    assert whole.faces == sum(curve.faces for curve in curves.values())
    assert whole.false_positives == sum(curve.false_positives for curve in curves.values())


def test_heights_have_their_own_faces_and_false_positives(truth: WiderGroundTruth) -> None:
    curves = by_height(match_wider_face(PREDICTIONS, truth), truth)
    assert {
        name: (curve.faces, curve.misses, curve.false_positives) for name, curve in curves.items()
    } == {
        '<10': (1, 1, 1),
        '10-20': (0, 0, 1),
        '20-40': (1, 0, 1),
        '40-80': (1, 1, 0),
        '>=80': (1, 0, 1),
    }


def test_worst_images_come_first_with_what_is_wrong_in_them(truth: WiderGroundTruth) -> None:
    errors = worst_images(match_wider_face(PREDICTIONS, truth), truth, number=5)
    assert [error.image for error in errors] == [0, 1]
    assert errors[0].missed.tolist() == [1]
    assert errors[0].false.tolist() == [1, 2]
    assert errors[0].found.tolist() == [0]
    assert (errors[1].missed.tolist(), errors[1].false.tolist()) == ([0], [1])
    assert len(worst_images(match_wider_face(PREDICTIONS, truth), truth, number=1)) == 1


def test_contact_sheet_shows_the_images_that_are_there(
    truth: WiderGroundTruth, tmp_path: Path
) -> None:
    matches = match_wider_face(PREDICTIONS, truth)
    sheet = tmp_path / 'worst.jpg'
    with pytest.warns(UserWarning, match='no image'):
        write_worst_images(sheet, tmp_path, PREDICTIONS, matches, truth)
    assert not sheet.exists()
    (tmp_path / '10--Dance').mkdir()
    cv2.imwrite(str(tmp_path / '10--Dance/b.jpg'), np.zeros((200, 400, 3), dtype=np.uint8))
    write_worst_images(sheet, tmp_path, PREDICTIONS, matches, truth)
    assert cv2.imread(str(sheet)).shape == (HEIGHT + CAPTION + 4, WIDTH + 4, 3)


def test_boxes_are_drawn_at_the_scale_of_the_cell() -> None:
    image = np.zeros((2 * HEIGHT, 2 * WIDTH, 3), dtype=np.uint8)
    none = np.zeros((0, 4))
    cell = draw_errors(image, np.array([[100.0, 200, 40, 60]]), none, none, 'name')
    rows, columns = np.nonzero(cell[:HEIGHT, :, 2] > 200)
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (50, 70, 100, 130)


def test_damaged_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'a.png').write_bytes(b'no image')
    with pytest.raises(UserError, match='cannot be decoded'):
        find_image(tmp_path, 'a')
    assert find_image(tmp_path, 'b') is None
