"""The command ``mmbfbox``: its files, its progress and its exit codes."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from mmbfbox import __main__ as program
from mmbfbox.deploy.command.parsing import make_parser
from mmbfbox.deploy.command.progress import Progress
from mmbfbox.evaluation.wider.io import read_wider_predictions
from mmbfbox.version import __version__
from tests.deploy.conftest import picture
from tests.deploy.test_streams import FRAMES, write_video

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(monkeypatch, capfd, model):
    """Run the command; its exit code, standard output and standard error."""

    def run(*words: object, needs_model: bool = True) -> tuple[int, str, str]:
        own = ('--model', model, '--size', '160', '--threads', '1') if needs_model else ()
        monkeypatch.setattr(sys, 'argv', ['mmbfbox', *map(str, (*words, *own))])
        with pytest.raises(SystemExit) as done:
            program.main()
        out, err = capfd.readouterr()
        return int(done.value.code or 0), out, err

    return run


def test_one_line_finds_faces(run, photos):
    code, out, _ = run('detect', photos / 'a.jpg', '--score', '0')
    (line,) = out.splitlines()
    assert code == 0 and json.loads(line)['faces']


def test_every_form_of_results_holds_the_same_faces(run, photos, tmp_path):
    code, out, err = run(
        'detect', photos, '--score', 0.0, '--pictures', tmp_path / 'drawn', '--jsonl', tmp_path / 'a.jsonl',
        '--csv', tmp_path / 'a.csv', '--coco', tmp_path / 'a.json', '--wider', tmp_path / 'txt',
    )  # fmt: skip
    assert (code, out) == (0, '') and '3 pictures in' in err
    plain = [json.loads(line) for line in (tmp_path / 'a.jsonl').read_text().splitlines()]
    counts = [len(entry['faces']) for entry in plain]
    assert min(counts) > 0
    with (tmp_path / 'a.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(counts)
    assert [float(rows[0][side]) for side in ('left', 'bottom')] == [
        plain[0]['faces'][0]['box'][i] for i in (0, 3)
    ]
    coco = json.loads((tmp_path / 'a.json').read_text())
    assert [image['file_name'] for image in coco['images']] == ['a.jpg', 'b.png', 'inner/c.jpg']
    assert len(coco['annotations']) == sum(counts)
    official = read_wider_predictions(tmp_path / 'txt')
    assert {name: len(boxes) for name, boxes in official.items()} == dict(
        zip(('pictures/a', 'pictures/b', 'inner/c'), counts, strict=True)
    )
    for name in ('a.jpg', 'b.png', 'inner/c.jpg'):
        assert (
            cv2.imread(str(tmp_path / 'drawn' / name)).shape == cv2.imread(str(photos / name)).shape
        )


def test_one_bad_picture_does_not_stop_the_rest(run, tmp_path):
    for name in ('1.jpg', '3.jpg'):
        cv2.imwrite(str(tmp_path / name), picture())
    (tmp_path / '2.jpg').write_bytes((tmp_path / '1.jpg').read_bytes()[:900])
    code, out, err = run('detect', tmp_path)
    assert code == 1 and len(out.splitlines()) == 2
    assert '2.jpg is cut off' in err and '1 of 3 pictures cannot be read' in err


@pytest.mark.parametrize(
    'words, sentence',
    [
        (('detect', 'no_such.jpg'), 'there is no no_such.jpg'),
        (('detect', 'bad.jpg'), 'bad.jpg is damaged'),
        (('video', 'bad.jpg'), 'is no video by its name'),
        (('video', 'cut.avi'), 'ends after'),
        (('video', 'clip.avi', '--out', 'found.txt'), 'is no name of a video'),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(run, tmp_path, words, sentence, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path('bad.jpg').write_bytes(b'bad')
    whole = write_video(Path('clip.avi')).read_bytes()
    Path('cut.avi').write_bytes(whole[: len(whole) // 2])
    before = sorted(Path().iterdir())
    outputs = ['--jsonl', 'found.jsonl', '--csv', 'found.csv', '--coco', 'found.json']
    outputs += ['--out', 'found.avi'] if words[0] == 'video' and '--out' not in words else []
    code, _, err = run(*words, *outputs)
    assert code == 1 and sentence in err
    assert [line for line in err.splitlines() if line.startswith('error')] == err.splitlines()
    assert len(err.splitlines()) == 1 and sorted(Path().iterdir()) == before


def test_opencv_adds_nothing_to_our_sentence(model, tmp_path):
    words = ['-m', 'mmbfbox', 'webcam', '99', '--model', model, '--out', 'found.avi']
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=tmp_path, env={**os.environ, 'PYTHONPATH': str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1 and not list(tmp_path.iterdir())
    assert done.stderr.splitlines() == [
        'error: there is no webcam 99, or another program uses it; check that it is connected, or give '
        'another number'
    ]


@pytest.mark.parametrize('suffix', ['.avi', '.mp4'])
def test_a_video_becomes_one_with_boxes(run, tmp_path, suffix):
    clip = write_video(tmp_path / f'clip{suffix}')
    out = tmp_path / f'found{suffix}'
    code, _, err = run('video', clip, '--out', out, '--jsonl', tmp_path / 'found.jsonl')
    assert code == 0 and f'{FRAMES} frames in' in err
    capture = cv2.VideoCapture(str(out))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == FRAMES
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(10)
    lines = (tmp_path / 'found.jsonl').read_text().splitlines()
    assert [json.loads(line)['frame'] for line in lines] == list(range(FRAMES))


def test_frames_become_official_files_of_their_video(run, tmp_path):
    clip = write_video(tmp_path / 'clip.avi', 3)
    assert run('detect', clip, '--wider', tmp_path / 'txt')[0] == 0
    names = sorted(path.name for path in (tmp_path / 'txt/clip').iterdir())
    assert names == ['000000.txt', '000001.txt', '000002.txt']


def test_two_pictures_of_one_name_both_appear(run, tmp_path):
    for name in ('x', 'y'):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / 'same.png'), picture())
    both = [tmp_path / name / 'same.png' for name in ('x', 'y')]
    assert run('detect', *both, '--pictures', tmp_path / 'out')[0] == 0
    assert sorted(p.name for p in (tmp_path / 'out').iterdir()) == ['same-2.png', 'same.png']
    code, _, err = run('detect', *both, '--wider', tmp_path / 'txt')
    assert code == 1 and 'two pictures would become pictures/same.txt' in err


def test_a_checkpoint_is_exported_and_timed(run, folder, tmp_path):
    out = tmp_path / 'new.onnx'
    code, told, _ = run('export', folder / 'model.pth', '--out', out, needs_model=False)
    assert code == 0 and 'scores differ by' in told
    code, table, _ = run('bench', out, '--size', 64, '--rounds', 2, needs_model=False)
    assert code == 0 and '| onnx | fp32 |' in table and 'new, 64x64 pixels' in table


def test_it_is_a_module_and_knows_its_version(tmp_path):
    done = subprocess.run(
        [sys.executable, '-m', 'mmbfbox', '--version'],
        cwd=tmp_path, env={**os.environ, 'PYTHONPATH': str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == f'mmbfbox {__version__}\n'


def test_every_option_says_what_it_is():
    parser = make_parser()
    commands = parser._subparsers._group_actions[0].choices
    assert set(commands) == {'detect', 'video', 'webcam', 'export', 'bench'}
    for command in commands.values():
        assert all(action.help for action in command._actions)


def test_progress_tells_the_time_that_is_left():
    progress = Progress('pictures', 300, io.StringIO())
    for _ in range(100):
        progress.step()
    assert progress.line(10.0) == '100 of 300 pictures, 10.0 a second, 20 s left'
    assert Progress('frames', None, io.StringIO()).line(1.0) == '0 frames, 0.0 a second'


def test_one_picture_is_no_pictures(run, photos):
    assert '\n1 picture in ' in '\n' + run('detect', photos / 'a.jpg')[2]


def test_without_a_command_all_are_listed(run):
    code, out, _ = run(needs_model=False)
    assert code == 2 and all(f'\n    {name} ' in out for name in ('detect', 'webcam', 'bench'))
