"""Text files are read as editors of all systems write them, and their systems' own files are passed over."""

from __future__ import annotations

import numpy as np
import pytest

from mmbfbox.datasets.wider_annotations import parse_wider_annotations, read_wider_file_list
from mmbfbox.errors import UserError
from mmbfbox.evaluation.face_eval.io import read_face_eval_detections
from mmbfbox.evaluation.fddb.io import (
    read_fddb_annotations,
    read_fddb_detections,
    read_fddb_sizes,
)
from mmbfbox.evaluation.wider.io import read_wider_predictions

BOM = b'\xef\xbb\xbf'
WIDER = '0--Parade/a.jpg\n1\n5 6 20 30 0 0 0 0 0 0\n0--Parade/b.jpg\n0\n0 0 0 0 0 0 0 0 0 0\n'
FDDB = '2002/07/19/big/img_1\n1\n20 10 0.5 30 40 1\n2002/07/19/big/img_2\n1\n20 10 0.5 30 40 1\n'


def written(path, text: str, how: str):
    path.parent.mkdir(parents=True, exist_ok=True)
    ends = {'plain': '\n', 'bom': '\n', 'crlf': '\r\n', 'cr': '\r', 'bom and crlf': '\r\n'}
    path.write_bytes(BOM * ('bom' in how) + text.replace('\n', ends[how]).encode())
    return path


@pytest.mark.parametrize('how', ['plain', 'bom', 'crlf', 'cr', 'bom and crlf'])
def test_a_mark_at_the_start_and_other_line_ends_change_nothing(tmp_path, how):
    wider = parse_wider_annotations(written(tmp_path / 'wider.txt', WIDER, how))
    assert [record.name for record in wider] == ['0--Parade/a.jpg', '0--Parade/b.jpg']
    names = read_wider_file_list(written(tmp_path / 'list.txt', '1--A/x.jpg\n1--A/y.jpg\n', how))
    assert names == ['1--A/x.jpg', '1--A/y.jpg']
    written(tmp_path / 'FDDB-folds/FDDB-fold-01-ellipseList.txt', FDDB, how)
    images = ['2002/07/19/big/img_1', '2002/07/19/big/img_2']
    assert list(read_fddb_annotations(tmp_path)) == images
    assert list(read_fddb_detections(written(tmp_path / 'd.txt', FDDB, how))) == images
    written(tmp_path / 'image_sizes.txt', 'img_1 20 30\nimg_2 20 30\n', how)
    assert list(read_fddb_sizes(tmp_path, [])) == ['img_1', 'img_2']
    afw = written(tmp_path / 'afw.txt', 'img_1 0.5 1 2 3 4\nimg_2 0.5 1 2 3 4\n', how)
    assert list(read_face_eval_detections(afw)) == ['img_1', 'img_2']


@pytest.mark.parametrize('how', ['plain', 'bom', 'crlf', 'bom and crlf'])
def test_predictions_from_any_editor_are_the_same(tmp_path, how, recwarn):
    written(tmp_path / '0--Parade/a.txt', 'a\n1\n1 2 3 4 0.5\n', how)
    written(tmp_path / '0--Parade/b.txt', '', how)
    predictions = read_wider_predictions(tmp_path)
    assert predictions['0--Parade/a'].tolist() == [[1, 2, 3, 4, 0.5]]
    assert predictions['0--Parade/b'].shape == (0, 5)
    assert 'names another image' not in str([str(warning.message) for warning in recwarn])


@pytest.mark.parametrize(
    ('data', 'words'),
    [(WIDER.encode('utf-16'), 'UTF-16; save it as UTF-8'), (b'a/\xff\n0\n', 'no UTF-8 .byte 2.')],
)
def test_another_encoding_is_one_sentence(tmp_path, data, words):
    path = tmp_path / 'wider.txt'
    path.write_bytes(data)
    for read in (parse_wider_annotations, read_face_eval_detections):
        with pytest.raises(UserError, match=words) as caught:
            read(path)
        assert '\n' not in str(caught.value)


def leave_system_files(folder) -> None:
    """What macOS, Windows and Jupyter leave in the folders that they show."""
    (folder / '.DS_Store').write_bytes(b'\0\0\0\1Bud1')
    (folder / 'Thumbs.db').write_bytes(b'\xd0\xcf\x11\xe0')
    for inner in ('.ipynb_checkpoints', '__MACOSX'):
        (folder / inner).mkdir()
        (folder / inner / 'a-checkpoint.txt').write_text('a\n1\n1 2 3 4 0.5\n')
        (folder / inner / '._a.txt').write_bytes(b'\0\5\x16\7\0\2\0\0Mac OS X')
    (folder / '._a.txt').write_bytes(b'\0\5\x16\7\0\2\0\0Mac OS X')


def test_hidden_files_of_systems_are_no_predictions(tmp_path):
    rows = written(tmp_path / 'wider/0--Parade/a.txt', 'a\n1\n1 2 3 4 0.5\n', 'plain').parent
    leave_system_files(rows)
    leave_system_files(rows.parent)
    assert list(read_wider_predictions(rows.parent)) == ['0--Parade/a']
    folds = written(tmp_path / 'fddb/fold-01-out.txt', FDDB, 'plain').parent
    leave_system_files(folds)
    assert len(read_fddb_detections(folds)) == 2
    official = tmp_path / 'folds/FDDB-folds'
    written(official / 'FDDB-fold-01-ellipseList.txt', FDDB, 'plain')
    (official / '._FDDB-fold-01-ellipseList.txt').write_bytes(b'\0\5\x16\7')
    faces = read_fddb_annotations(official.parent)
    assert np.array_equal(faces['2002/07/19/big/img_1'], [[20, 10, 0.5, 30, 40]])


def test_a_folder_of_hidden_files_alone_holds_no_detections(tmp_path):
    leave_system_files(tmp_path)
    for read in (read_fddb_detections, read_wider_predictions):
        with pytest.raises(UserError, match='holds no'):
            read(tmp_path)
