"""The page that detects in the browser, in real Chromium: its boxes are those of FaceDetector."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest
from PIL import Image

from mmbfbox.deploy import FaceDetector
from tests.chromium import Chromium, find_chromium, served

ROOT = Path(__file__).resolve().parents[2]
ASTRONAUT = Path(pytest.importorskip('skimage').__file__).parent / 'data' / 'astronaut.png'
HOPPER = Path(matplotlib.get_data_path()) / 'sample_data' / 'grace_hopper.jpg'
MESSAGE = 'document.getElementById("message").textContent'
BOXES = (
    '[...document.querySelectorAll("#boxes tr")].map(r => [...r.cells].map(c => +c.textContent))'
)
READY = '!document.getElementById("file").disabled'


@pytest.fixture(scope='module')
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of the page, built as ``make docs`` builds it."""
    find_chromium()
    if not shutil.which('npm'):
        pytest.skip('there is no npm, which brings onnxruntime-web; install Node.js')
    page = tmp_path_factory.mktemp('page')
    command = ['bash', str(ROOT / 'docs' / 'demo' / 'build.sh'), str(page)]
    built = subprocess.run(command, capture_output=True, text=True)
    if built.returncode:
        pytest.skip(f'the page cannot be built here, npm says: {built.stderr[-300:]}')
    with served(page) as found:
        yield found


@pytest.fixture(scope='module')
def page(address: str) -> Iterator[Chromium]:
    """The page, ready."""
    with Chromium() as browser:
        browser.open(address)
        browser.wait_for(READY)
        yield browser


@pytest.fixture(scope='module')
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A PNG, a JPEG, one that its EXIF data turns, a large grey one."""
    folder = tmp_path_factory.mktemp('pictures')
    turned, large = folder / 'turned.jpg', folder / 'large.png'
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(HOPPER) as image:
        image.rotate(90, expand=True).save(turned, exif=exif, quality=95)
    grey = cv2.imread(str(ASTRONAUT), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(large), cv2.resize(grey, (1531, 1207), interpolation=cv2.INTER_CUBIC))
    return {'png': ASTRONAUT, 'jpeg': HOPPER, 'turned': turned, 'large': large}


def detect(page: Chromium, picture: Path, size: int, least: float) -> list[list[float]]:
    """What the page finds."""
    move_threshold(page, least)
    page.evaluate(f'{MESSAGE} = ""; document.getElementById("size").value = "{size}"')
    page.choose_file('#file', picture)
    page.wait_for(f'/ms$/.test({MESSAGE})')
    found: list[list[float]] = page.evaluate(BOXES)
    return found


def move_threshold(page: Chromium, least: float) -> None:
    page.evaluate(
        f'document.getElementById("threshold").value = {least};'
        'document.getElementById("threshold").dispatchEvent(new Event("input"))'
    )


def check_equal(found: list[list[float]], picture: Path, size: int, score: float) -> None:
    """As many boxes as natively, each within a pixel; two scores that are nearly equal may swap places."""
    native = FaceDetector(size=size, score=score, threads=1)(str(picture))
    assert len(found) == len(native) > 0
    boxes = np.array(found)
    for face in native:
        apart = np.abs(boxes[:, :4] - np.array(face[:4])).max(axis=1)
        assert apart.min() <= 1
        assert boxes[apart.argmin(), 4] == pytest.approx(face.score, abs=0.02)


@pytest.mark.parametrize('name', ['png', 'jpeg', 'turned', 'large'])
@pytest.mark.parametrize('size', [192, 640])
def test_the_page_finds_the_boxes_of_the_python_detector(
    page: Chromium, pictures: dict[str, Path], name: str, size: int
) -> None:
    check_equal(detect(page, pictures[name], size, 0.5), pictures[name], size, 0.5)


def test_the_threshold_needs_no_second_look(page: Chromium) -> None:
    many = detect(page, ASTRONAUT, 640, 0.15)
    took = page.evaluate(MESSAGE).partition(' in ')[2]
    move_threshold(page, 0.7)
    few = page.evaluate(BOXES)
    assert few == [box for box in many if box[4] >= 0.7] and 0 < len(few) < len(many)
    assert page.evaluate(MESSAGE) == f'1 face in {took}'


def test_a_picture_can_be_opened_again(page: Chromium) -> None:
    assert detect(page, ASTRONAUT, 192, 0.5) == detect(page, ASTRONAUT, 192, 0.5)


def test_pictures_that_come_too_fast_take_their_turn(page: Chromium) -> None:
    (face,) = FaceDetector(size=192, score=0.5, threads=1)(str(HOPPER))
    detect(page, ASTRONAUT, 192, 0.5)
    page.choose_file('#file', ASTRONAUT)
    page.choose_file('#file', HOPPER)
    page.wait_for(f'Math.abs(({BOXES})[0]?.[3] - {face.bottom}) <= 1')
    assert len(page.evaluate(BOXES)) == 1 and not page.faults


def test_the_picture_that_was_opened_last_stays_although_another_one_takes_longer(
    page: Chromium,
) -> None:
    boxes = detect(page, HOPPER, 192, 0.5)
    page.evaluate(
        'window.decode = createImageBitmap; window.createImageBitmap = async (file, ...rest) => {'
        ' if (!file.name?.endsWith(".png")) return decode(file, ...rest);'
        ' await new Promise((done) => setTimeout(done, 1000));'
        ' return decode(file, ...rest).finally(() => { window.late = true; }); }'
    )
    page.choose_file('#file', ASTRONAUT)
    page.choose_file('#file', HOPPER)
    page.wait_for('window.late')
    time.sleep(1)  # long enough to look at it
    assert page.evaluate(BOXES) == boxes and not page.faults


def test_nothing_leaves_the_machine(page: Chromium, address: str) -> None:
    detect(page, ASTRONAUT, 192, 0.3)
    assert page.requests and all(
        request.startswith((address, 'data:', 'blob:')) for request in page.requests
    )
    refused = page.evaluate('fetch("http://127.0.0.2:1/").then(() => "sent", e => e.message)')
    assert refused == 'Failed to fetch' and 'Content Security Policy' in page.faults.pop(0)
    page.faults.clear()


def test_what_is_no_picture_is_said_on_the_page(page: Chromium, tmp_path: Path) -> None:
    broken = tmp_path / 'broken.jpg'
    broken.write_bytes(HOPPER.read_bytes()[:100])
    page.choose_file('#file', broken)
    page.wait_for(f'/broken.jpg is damaged, or no picture/.test({MESSAGE})')
    assert page.evaluate('document.getElementById("message").classList.contains("error")')
    assert detect(page, HOPPER, 192, 0.5), 'and the next one is looked at'


def test_a_missing_camera_is_said_on_the_page(page: Chromium) -> None:
    page.evaluate('document.getElementById("webcam").click()')
    page.wait_for(f'/^The webcam cannot be used: there is none/.test({MESSAGE})')


def test_a_camera_that_may_not_be_used_is_said_on_the_page(page: Chromium) -> None:
    page.evaluate(
        'navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("Permission denied") }'
    )
    page.evaluate('document.getElementById("webcam").click()')
    page.wait_for(f'/The webcam cannot be used: Permission denied/.test({MESSAGE})')
    assert not page.faults


def test_a_browser_without_webassembly_is_told(address: str) -> None:
    with Chromium() as browser:
        browser.open(address, before='delete globalThis.WebAssembly')
        browser.wait_for(f'/This browser has no WebAssembly/.test({MESSAGE})')
        assert browser.evaluate('document.getElementById("file").disabled') and not browser.faults


def test_the_webcam_is_looked_at_frame_after_frame(address: str, tmp_path: Path) -> None:
    film = tmp_path / 'film.mjpeg'
    film.write_bytes(HOPPER.read_bytes() * 3)
    flags = (
        '--use-fake-device-for-media-stream',
        '--use-fake-ui-for-media-stream',
        f'--use-file-for-fake-video-capture={film}',
    )
    with Chromium(*flags) as browser:
        browser.open(address)
        browser.wait_for(READY)
        browser.evaluate('document.getElementById("size").value = "192"')
        browser.evaluate('document.getElementById("webcam").click()')
        browser.wait_for(f'/^1 face in/.test({MESSAGE})')
        (box,) = browser.evaluate(BOXES)
        assert box[4] > 0.5
        browser.evaluate('document.getElementById("webcam").click()')
        assert browser.evaluate('document.getElementById("webcam").textContent').startswith('Start')
        assert not browser.faults
