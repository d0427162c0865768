"""Folders, patterns, videos and cameras, one frame after another."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmbfbox.deploy import FaceDetector
from mmbfbox.deploy.newest_frame import NewestFrame
from mmbfbox.errors import UserError
from tests.deploy.conftest import picture

FRAMES = 30


def write_video(path: Path, frames: int = FRAMES) -> Path:
    """A video whose frames get brighter."""
    code = cv2.VideoWriter.fourcc(*('MJPG' if path.suffix == '.avi' else 'mp4v'))
    writer = cv2.VideoWriter(str(path), code, 10.0, (160, 128))
    for number in range(frames):
        writer.write(np.full((128, 160, 3), 8 * number, np.uint8))
    writer.release()
    return path


def test_a_folder_is_gone_through_in_order(detector: FaceDetector, photos):
    names = [Path(faces.name).relative_to(photos).as_posix() for faces in detector.stream(photos)]
    assert names == ['a.jpg', 'b.png', 'inner/c.jpg']
    (only,) = detector.stream(f'{photos}/*.png')
    np.testing.assert_array_equal(only.boxes, detector(photos / 'b.png').boxes)
    deep = [Path(faces.name).name for faces in detector.stream(f'{photos}/**/*.jpg')]
    assert deep == ['a.jpg', 'c.jpg']
    assert len(list(detector.stream([photos / 'a.jpg', picture()]))) == 2


def test_a_bad_picture_is_an_error_unless_it_is_asked_for(detector: FaceDetector, tmp_path):
    cv2.imwrite(str(tmp_path / '1.jpg'), picture())
    (tmp_path / '2.jpg').write_bytes(b'')
    cv2.imwrite(str(tmp_path / '3.jpg'), picture())
    stream = detector.stream(tmp_path)
    next(stream)
    with pytest.raises(UserError, match='2.jpg is damaged'):
        next(stream)
    bad: list[UserError] = []
    assert len(list(detector.stream(tmp_path, on_bad=bad.append))) == 2 and len(bad) == 1


@pytest.mark.parametrize('suffix', ['.avi', '.mp4'])
def test_every_frame_of_a_video_comes_once(detector: FaceDetector, tmp_path, suffix):
    path = write_video(tmp_path / f'clip{suffix}')
    found = list(detector.stream(path))
    assert [faces.frame for faces in found] == list(range(FRAMES))
    assert [found[i].draw().mean() // 40 for i in (0, 29)] == [0, 5] or len(found[29])
    assert {faces.name for faces in found} == {str(path)}


def test_a_video_that_ends_in_the_middle_is_told_after_its_last_frame(detector, tmp_path):
    whole = write_video(tmp_path / 'whole.avi').read_bytes()
    cut = tmp_path / 'cut.avi'
    cut.write_bytes(whole[: len(whole) // 2])
    seen = 0
    with pytest.raises(UserError, match='ends after .* of 30 frames: it is cut off'):
        for _ in detector.stream(cut):
            seen += 1
    assert 5 < seen < FRAMES
    headless = tmp_path / 'cut.mp4'
    headless.write_bytes(write_video(tmp_path / 'whole.mp4').read_bytes()[:2000])
    with pytest.raises(UserError, match='cannot be opened'):
        next(detector.stream(headless))


@pytest.mark.parametrize(
    'source, sentence',
    [
        ('no_such_folder', 'there is no no_such_folder'),
        ('no_such/*.jpg', 'no picture fits'),
        (99, 'there is no webcam 99'),
        ([], 'an empty list'),
    ],
)
def test_sources_that_are_not_there_are_told(detector: FaceDetector, source, sentence):
    with pytest.raises(UserError, match=sentence):
        next(detector.stream(source))


def test_a_folder_without_pictures_is_told(detector: FaceDetector, tmp_path):
    (tmp_path / 'notes.txt').write_text('')
    with pytest.raises(UserError, match='holds no pictures'):
        next(detector.stream(tmp_path))


class PacedVideo:
    """A real video that comes at the pace of a camera."""

    def __init__(self, path: Path, seconds: float) -> None:
        self.capture = cv2.VideoCapture(str(path))
        self.seconds = seconds
        self.released = False

    def read(self):
        time.sleep(self.seconds)
        return self.capture.read()

    def release(self) -> None:
        self.released = True
        self.capture.release()


def test_who_is_slower_than_a_camera_sees_its_newest_frame(tmp_path):
    camera = PacedVideo(write_video(tmp_path / 'clip.avi'), 0.01)
    seen = []
    with NewestFrame(camera) as newest:
        for number, frame in newest:
            seen.append(number)
            assert frame.mean() == pytest.approx(8 * number, abs=3)
            time.sleep(0.06)
    assert seen == sorted(set(seen))
    # Each look skips what came meanwhile, and the last frame of all is seen.
    assert len(seen) < FRAMES / 2 and seen[-1] == FRAMES - 1
    assert camera.released and not [t for t in threading.enumerate() if t.name == 'newest-frame']
