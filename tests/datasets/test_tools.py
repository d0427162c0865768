"""The two tools of the data side run from their command lines."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import cv2
import pytest

pytest.importorskip('skimage', reason='the demo images are made of photographs in scikit-image')
ROOT = Path(__file__).resolve().parents[2]


def run(monkeypatch, tool: str, *arguments: object) -> None:
    monkeypatch.setattr(sys, 'argv', [tool, *map(str, arguments)])
    runpy.run_path(str(ROOT / 'tools' / f'{tool}.py'), run_name='__main__')


def test_make_demo_data_and_look_at_it(tmp_path, monkeypatch, capsys):
    data = tmp_path / 'data'
    run(
        monkeypatch, 'make_demo_data', '--out', data, '--train', 12, '--val', 12, '--size', 128
    )  # fmt: skip
    config = tmp_path / 'config.py'
    base = ROOT / 'configs/_base_/datasets/wider_face.py'
    config.write_text(f'_base_ = [{str(base)!r}]\ntrain_dataloader = dict(dataset=dict(part=None))')
    out = tmp_path / 'pictures'
    run(
        monkeypatch, 'browse_dataset', config, '--out', out, '--number', 5, '--data-root', data,
        '--cfg-options', 'train_dataloader.dataset.pipeline.3.canvas=192',
    )  # fmt: skip
    pictures = sorted(out.glob('0*.png'))
    assert [picture.name[:3] for picture in pictures] == ['001', '002', '003', '004', '005']
    assert cv2.imread(str(pictures[0])).shape == (192, 192, 3)
    assert (out / 'contact_sheet.png').is_file()
    assert '12 training and 12 validation images' in capsys.readouterr().out


@pytest.mark.parametrize('missing', ['config', 'data'])
def test_browsing_what_is_not_there_is_one_sentence(tmp_path, monkeypatch, capsys, missing):
    base = ROOT / 'configs/_base_/datasets/wider_face.py'
    config = base if missing == 'data' else tmp_path / 'nothing.py'
    where = ['--data-root', tmp_path] if missing == 'data' else []
    with pytest.raises(SystemExit) as caught:
        run(monkeypatch, 'browse_dataset', config, '--out', tmp_path / 'out', *where)
    assert caught.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith('error: ') and said.count('\n') == 1
