"""Figures and tables are written whole and with the right content."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mmbfbox.errors import UserError
from mmbfbox.evaluation.face_scales import measure_face_scales
from mmbfbox.evaluation.plots import plot_distribution, plot_precision_recall, plot_roc, write_csv


def test_figures_of_one_and_of_many_curves(tmp_path: Path) -> None:
    recall = np.linspace(0, 0.9, 50)
    one = {'a': (0.9, recall, 1 - recall / 2)}
    many = {f'detector {i}': (float('nan'), recall, 1 - recall / (i + 2)) for i in range(14)}
    plot_precision_recall(tmp_path / 'one.png', 'One', one)
    plot_precision_recall(tmp_path / 'many.png', 'Many', many)
    plot_roc(tmp_path / 'roc.png', 'ROC', {'a': (np.arange(5), np.arange(5) / 5)})
    plot_distribution(tmp_path / 'sizes.png', 'Sizes', 'pixels', {'a': ([2, 4], [0.1, 0.9])})
    for name in ('one', 'many', 'roc', 'sizes'):
        picture = cv2.imread(str(tmp_path / f'{name}.png'))
        assert picture.shape == (780, 960, 3)
        assert picture.std() > 10
    assert len(list(tmp_path.iterdir())) == 4


def test_csv_has_a_header_and_quotes_commas(tmp_path: Path) -> None:
    write_csv(tmp_path / 'a.csv', ('name', 'value'), [('x,y', 1), ('z', 0.5)])
    assert (tmp_path / 'a.csv').read_text() == 'name,value\n"x,y",1\nz,0.5\n'


def test_face_scales_of_the_paper(shared_data: Path) -> None:
    rows, sizes = [], []
    text = (shared_data / 'wider_annotations/wider_face_val_bbx_gt.txt').read_text()
    for line in text.splitlines():
        words = line.split()
        if len(words) == 10 and int(words[2]) > 0 and int(words[3]) > 0:
            rows.append([float(word) for word in words[2:4]])
    for line in (shared_data / 'wider_annotations/image_sizes.csv').read_text().splitlines():
        if line.startswith('val,'):
            sizes.append([float(word) for word in line.split(',')[2:]])
    scales = measure_face_scales(np.array(rows), np.array(sizes))
    assert round(scales.image_scale) == 934
    assert scales.fraction_below(20, relative=False) == pytest.approx(0.556, abs=5e-4)
    assert scales.fraction_below(66, relative=False) == pytest.approx(0.897, abs=5e-4)
    assert scales.fraction_below(20) == pytest.approx(0.696, abs=5e-4)


def test_face_scales_are_square_roots_of_areas_and_scale_with_the_input() -> None:
    scales = measure_face_scales(
        np.array([[40.0, 10], [9, 16]]), np.array([[200.0, 50], [300, 300]]), input_size=400
    )
    assert scales.image_scale == 200
    assert scales.original.tolist() == [12, 20]
    assert scales.relative.tolist() == [24, 40]
    assert scales.curve(np.array([24, 24.5, 50])).tolist() == [0, 0.5, 1]


def test_face_scales_refuse_what_is_not_a_size() -> None:
    face = np.array([[1.0, 1]])
    for images, size in ((np.zeros((0, 2)), 640), (np.zeros((1, 2)), 640), (face, 0), (face, -1)):
        with pytest.raises(UserError):
            measure_face_scales(face, images, size)
    with pytest.raises(UserError, match='negative'):
        measure_face_scales(-face, face)
