"""Whatever a picture is given as, the faces are the same."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from mmbfbox.deploy import FaceDetector, Faces
from mmbfbox.deploy.exif import upright
from mmbfbox.deploy.pixels import read_pixels
from mmbfbox.errors import UserError
from tests.deploy.conftest import picture

MODES = ('L', 'LA', 'P', 'RGBA', 'CMYK', 'YCbCr', '1', 'I;16')


def encoded(image: Image.Image, form: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def same(found: Faces, expected: Faces) -> None:
    assert len(found) == len(expected) > 3
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=0.01)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)
    assert (found.height, found.width) == (expected.height, expected.width)


def test_every_kind_of_source_gives_the_same_boxes(detector: FaceDetector, tmp_path):
    pixels = picture()
    rgb = np.ascontiguousarray(pixels[..., ::-1])
    path = tmp_path / 'picture.png'
    cv2.imwrite(str(path), pixels)
    expected = detector(pixels)
    alpha = np.dstack([pixels, np.full(pixels.shape[:2], 7, np.uint8)])
    sources = [
        path,
        str(path),
        path.read_bytes(),
        bytearray(path.read_bytes()),
        Image.fromarray(rgb),
    ]
    arrays = [pixels[:, ::-1][:, ::-1], alpha, pixels.astype(float), pixels.astype(np.uint16) * 257]
    for source in (*sources, *arrays):
        same(detector(source), expected)
    same(detector(rgb, rgb=True), expected)
    same(detector.detect(list(sources))[3], expected)


@pytest.mark.parametrize('form', ['JPEG', 'PNG', 'WEBP', 'TIFF'])
def test_boxes_are_those_of_the_picture_as_its_viewer_sees_it(
    detector: FaceDetector, form, tmp_path
):
    image = Image.fromarray(picture()[..., ::-1])
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x010F], exif[0x0112] = 'maker', orientation
        data = encoded(image, form, exif=exif)
        path = tmp_path / f'{orientation}.{form.lower()}'
        path.write_bytes(data)
        # Decoded by OpenCV, because two decoders of JPEG differ by a little.
        stored = cv2.imdecode(np.frombuffer(encoded(image, form), np.uint8), cv2.IMREAD_COLOR)
        tagged = Image.fromarray(stored)
        tagged.getexif()[0x0112] = orientation
        expected = detector(np.asarray(ImageOps.exif_transpose(tagged)))
        for source in (path, data):
            same(detector(source), expected)
        as_stored = read_pixels(data, exif=False)
        if form != 'TIFF':  # its decoder always turns
            np.testing.assert_array_equal(as_stored, stored)
        opened = detector(Image.open(path))
        assert (opened.height, opened.width) == (expected.height, expected.width)
        if form != 'JPEG':
            same(opened, expected)


@pytest.mark.parametrize('mode', MODES)
def test_other_colours_are_those_that_pillow_shows(mode: str):
    image = Image.fromarray(picture()[..., ::-1])
    if mode == 'I;16':
        image = Image.fromarray(np.asarray(image.convert('L')).astype(np.uint16) * 257)
        shown = np.repeat((np.asarray(image) // 256).astype(np.uint8)[..., None], 3, axis=2)
    else:
        image = image.convert(mode)
        shown = np.asarray(image.convert('RGB'))[..., ::-1]
    np.testing.assert_array_equal(read_pixels(image), shown)
    form = 'TIFF' if mode in ('CMYK', 'YCbCr') else 'PNG'
    difference = np.abs(read_pixels(encoded(image, form)).astype(int) - shown)
    assert difference.mean() < 1


def test_a_jpeg_for_printing_is_read(detector: FaceDetector):
    image = Image.fromarray(picture()[..., ::-1]).convert('CMYK')
    data = encoded(image, 'JPEG', quality=95)
    shown = np.asarray(Image.open(io.BytesIO(data)).convert('RGB'))[..., ::-1]
    assert np.abs(read_pixels(data).astype(int) - shown).mean() < 3


def test_what_was_given_as_rgb_comes_back_as_rgb(detector: FaceDetector):
    rgb = np.ascontiguousarray(picture()[..., ::-1])
    for faces in (detector(rgb, rgb=True), detector(Image.fromarray(rgb))):
        crop = faces.crop()[0]
        left, top = (int(edge) for edge in faces[0][:2])
        np.testing.assert_array_equal(crop, rgb[top:, left:][: crop.shape[0], : crop.shape[1]])


def truncated_jpeg() -> bytes:
    data = cv2.imencode('.jpg', picture())[1].tobytes()
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    'source, sentence',
    [
        ('no_such.jpg', 'cannot read the picture no_such.jpg: No such file'),
        ('.', 'is a folder; give one picture, or the folder to stream()'),
        ('nul\0byte.jpg', 'cannot read the picture'),
        (truncated_jpeg(), 'given as bytes is cut off after'),
        (cv2.imencode('.png', picture())[1].tobytes()[:5000], 'damaged, or of a format'),
        (b'', r'damaged, or of a format .*\(0 bytes\)'),
        (b'no picture', 'damaged, or of a format'),
        (np.full((9, 9, 3), np.nan), 'pixels that are NaN'),
        (np.full((9, 9), np.inf), 'pixels that are NaN or infinite'),
        (np.random.default_rng(0).random((9, 9, 3)), 'times 255'),
        (np.full((9, 9, 3), 300), 'from 300 to 300'),
        (np.zeros((3, 40, 40), np.uint8), r'shape \(3, 40, 40\)'),
        (np.zeros((0, 4, 3), np.uint8), 'without a pixel'),
        (np.zeros((4, 4, 3), complex), 'array of complex128'),
        ([], 'an empty list was given'),
        (object(), 'a object was given; give a path'),
        (None, 'a NoneType was given'),
    ],
)
def test_bad_input_is_told_in_one_sentence(detector: FaceDetector, source, sentence):
    with pytest.raises(UserError, match=sentence) as error:
        detector(source)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('size', [640, 'original', (320, 480)])
@pytest.mark.parametrize('shape', [(1, 1), (50, 20000), (3, 700)])
def test_odd_shapes_are_pictures_like_others(model, shape, size):
    faces = FaceDetector(model, size=size, score=0.0, threads=1)(picture(*shape))
    assert (faces.height, faces.width) == shape
    assert (faces.boxes >= 0).all() and (faces.boxes[:, 2] <= shape[1]).all()
    assert (faces.boxes[:, 3] <= shape[0]).all()
    assert all(min(crop.shape) > 0 for crop in faces.crop(0.1))


@pytest.mark.parametrize('orientation', range(1, 9))
def test_a_turned_picture_one_pixel_wide_has_no_strides_that_torch_refuses(
    orientation: int,
) -> None:
    turned = upright(np.zeros((7, 1, 3), np.uint8), orientation)
    assert min(turned.strides) > 0
