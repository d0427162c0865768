"""Data-anchor-sampling keeps its promises on real images."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from mmdet.structures.bbox import HorizontalBoxes
from scipy import stats

from mmbfbox.datasets.transforms.data_anchor_sampling import (
    DataAnchorSampling,
    anchor_window,
    face_sizes,
    sample_target_size,
    square_window,
)
from mmbfbox.datasets.transforms.window import Window, map_boxes, render_window
from mmbfbox.datasets.wider_annotations import parse_wider_annotations
from mmbfbox.errors import UserError
from mmbfbox.utils.images import read_image

ANCHORS = (16, 32, 64, 128, 256, 512)


@pytest.fixture(scope='module')
def records(shared_data):
    """Image shape (height, width) and boxes of every official training image with faces."""
    folder = shared_data / 'wider_annotations'
    rows = (line.split(',') for line in (folder / 'image_sizes.csv').read_text().split()[1:])
    shapes = {(row[0], row[1]): (int(row[3]), int(row[2])) for row in rows}
    parsed = parse_wider_annotations(folder / 'wider_face_val_bbx_gt.txt')
    return [(shapes['val', r.name], r.boxes) for r in parsed if len(r.boxes)]


@pytest.fixture(scope='module')
def images(shared_data):
    """Real images with their boxes."""
    root = shared_data / 'wider_mini'
    parsed = parse_wider_annotations(root / 'wider_face_split/wider_face_val_bbx_gt.txt')[::12]
    return [(read_image(root / 'WIDER_val/images' / r.name), r.boxes) for r in parsed]


def sample_of(image, boxes, ignored=None):
    return dict(
        img=image,
        gt_bboxes=HorizontalBoxes(boxes.copy()),
        gt_bboxes_labels=np.zeros(len(boxes), np.int64),
        gt_ignore_flags=np.zeros(len(boxes), bool) if ignored is None else ignored,
    )


def theoretical_share_below(target, size):
    """Probability that a face of ``size`` is scaled to less than ``target``."""
    nearest = int(np.argmin(np.abs(np.array(ANCHORS) - size)))
    possible = np.array(ANCHORS[: min(nearest + 2, 6)])
    return np.mean(np.clip((np.log2(target / possible) + 1) / 2, 0, 1))


@pytest.mark.parametrize('size', [3, 20, 40, 100, 300, 900])
def test_target_sizes_follow_the_paper(size):
    rng = np.random.default_rng(0)
    shares = [
        theoretical_share_below(sample_target_size(rng, size, ANCHORS), size) for _ in range(4000)
    ]
    assert stats.kstest(shares, 'uniform').pvalue > 1e-3


def test_target_sizes_follow_the_paper_on_real_faces(records):
    rng = np.random.default_rng(1)
    shares = []
    for shape, boxes in records:
        face = boxes[rng.integers(len(boxes))]
        size = face_sizes(face[None])[0]
        window = anchor_window(rng, face, shape, 640, ANCHORS)
        capped = window.ratio**2 * shape[0] * shape[1] > 12_000**2 * (1 - 1e-9)
        if not capped:
            shares.append(theoretical_share_below(window.ratio * size, size))
    assert len(shares) > 3000
    assert stats.kstest(shares, 'uniform').pvalue > 1e-3


@pytest.mark.parametrize('canvas', [192, 640])
def test_chosen_face_is_inside_and_aspect_ratio_is_kept(records, canvas):
    rng = np.random.default_rng(2)
    for (height, width), boxes in records:
        face = boxes[rng.integers(len(boxes))]
        window = anchor_window(rng, face, (height, width), canvas, ANCHORS)
        assert window.ratio**2 * height * width <= 12_000**2 * (1 + 1e-9)
        mapped = map_boxes(np.vstack([face, [0, 0, width, height]]), window, height, width)
        left, top, right, bottom = mapped[0]
        # An axis on which the face is larger than the canvas is filled by it.
        for low, high in ((left, right), (top, bottom)):
            if high - low < canvas - 2:
                assert -1.5 < low and high < canvas + 1.5
            else:
                assert low < 2 and high > canvas - 2
        # Whole pixels at the border of the visible part are all that aspect ratio may lose.
        exact = window.ratio * np.array([width, height])
        seen = np.minimum(exact, canvas)
        assert np.all(np.abs((mapped[1, 2:] - mapped[1, :2]) / exact - 1) < 1 / seen + 1e-3)


def test_boxes_stay_on_their_pixels():
    rng = np.random.default_rng(3)
    for _ in range(200):
        height, width = rng.integers(60, 400, 2)
        corner = rng.integers(0, [width - 40, height - 40])
        face = np.array([*corner, *(corner + rng.integers(12, 40, 2))], np.float32)
        image = np.zeros((height, width, 3), np.uint8)
        left, top, right, bottom = face.astype(int)
        image[top:bottom, left:right] = 255
        window = anchor_window(rng, face, (height, width), 192, (8, 16, 32, 64))
        canvas = render_window(image, window, cv2.INTER_LINEAR, np.zeros(3, np.uint8))
        rows, columns = np.nonzero(canvas[..., 0] > 127)
        seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        expected = map_boxes(face[None], window, height, width)[0].clip(0, 192)
        np.testing.assert_allclose(seen, expected, atol=1.1)


def test_window_equals_scaling_the_whole_image(images):
    image = images[0][0]
    whole = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    window = Window(2.0, 100, 60, 256)
    part = render_window(image, window, cv2.INTER_LINEAR, np.zeros(3, np.uint8))
    np.testing.assert_array_equal(part[1:-1, 1:-1], whole[61:315, 101:355])


def test_outside_of_the_image_is_the_mean_colour():
    image = np.zeros((100, 50, 3), np.uint8)
    canvas = render_window(image, Window(1.0, -30, -20, 192), 1, np.array([1, 2, 3], np.uint8))
    assert (canvas[20:120, 30:80] == 0).all()
    outside = np.ones((192, 192), bool)
    outside[20:120, 30:80] = False
    assert (canvas[outside] == (1, 2, 3)).all()


@pytest.mark.parametrize('canvas', [192, 640])
@pytest.mark.parametrize('preset', ['paper', 'paddle'])
@pytest.mark.parametrize('small_faces', ['drop', 'ignore'])
def test_samples_of_real_images(images, canvas, preset, small_faces):
    np.random.seed(4)
    transform = DataAnchorSampling(canvas=canvas, preset=preset, small_faces=small_faces)
    left = 0
    for image, boxes in images:
        results = transform(sample_of(image, boxes))
        assert results['img'].shape == (canvas, canvas, 3)
        assert results['img'].dtype == np.uint8
        found = results['gt_bboxes'].numpy()
        ignored = results['gt_ignore_flags']
        assert len(found) == len(results['gt_bboxes_labels']) == len(ignored)
        assert (found >= 0).all() and (found <= canvas).all()
        assert (found[:, 2:] > found[:, :2]).all()
        small = face_sizes(found) < 8
        if small_faces == 'ignore':
            np.testing.assert_array_equal(ignored, small)
        else:
            assert not ignored.any()
            assert small.all() or not small.any()
        left += len(found)
    assert left > len(images) / 2


def test_ignored_faces_are_never_chosen(images):
    np.random.seed(5)
    image = next(image for image, _ in images if min(image.shape[:2]) > 400)
    boxes = np.array([[10, 10, 30, 30], [350, 350, 380, 380]], np.float32)
    transform = DataAnchorSampling(canvas=192, anchors=(64, 128))
    for _ in range(20):
        results = transform(sample_of(image, boxes, np.array([True, False])))
        assert (~results['gt_ignore_flags']).sum() == 1


@pytest.mark.parametrize('shape', [(300, 200), (40, 900), (1, 1)])
def test_images_without_faces_give_a_canvas(shape):
    np.random.seed(6)
    for preset in ('paper', 'paddle'):
        results = DataAnchorSampling(canvas=192, preset=preset)(
            sample_of(np.full((*shape, 3), 7, np.uint8), np.zeros((0, 4), np.float32))
        )
        assert (results['img'] == 7).all()
        assert results['gt_bboxes'].numpy().shape == (0, 4)


def test_squares_contain_a_face(images):
    rng = np.random.default_rng(7)
    for image, boxes in images:
        height, width = image.shape[:2]
        if not len(boxes) or len(boxes) < 3:
            continue
        window = square_window(rng, boxes, (height, width), 640)
        mapped = map_boxes(boxes, window, height, width)
        centres = (mapped[:, :2] + mapped[:, 2:]) / 2
        assert ((centres > -1) & (centres < 641)).all(axis=1).any()
        assert 0.99 <= 640 / window.ratio / (min(height, width) * 0.3)
        assert 640 / window.ratio <= min(height, width) + 1e-6


def test_squares_larger_than_the_image_hold_it_whole(images):
    rng = np.random.default_rng(3)
    image, boxes = images[1]
    height, width = image.shape[:2]
    for _ in range(20):
        window = square_window(rng, boxes, (height, width), 640, (1.5, 2.0))
        side = 640 / window.ratio
        if side > min(height, width) + 1:  # one of five is the short side itself
            assert 1.49 <= side / min(height, width) <= 2.01
        left, top = window.left / window.ratio, window.top / window.ratio
        for start, length in ((left, width), (top, height)):
            low, high = sorted((start, start + side))
            # Either the square lies within the image, or the image within the square.
            assert (low >= -2 and high <= length + 2) or (low <= 2 and high >= length - 2)


def test_the_same_state_gives_the_same_sample(images):
    image, boxes = images[1]
    results = []
    for _ in range(2):
        np.random.seed(8)
        results.append(DataAnchorSampling()(sample_of(image, boxes)))
    np.testing.assert_array_equal(results[0]['img'], results[1]['img'])
    np.testing.assert_array_equal(results[0]['gt_bboxes'].numpy(), results[1]['gt_bboxes'].numpy())


@pytest.mark.parametrize(
    'keys',
    [
        dict(preset='ssd'),
        dict(small_faces='hide'),
        dict(prob=2),
        dict(anchors=(32, 16)),
        dict(spare=0.5),
        dict(squares=(0.5, 0.3)),
        dict(squares=(0, 1)),
        dict(min_size={}),
        dict(canvas=1e9),
        dict(mean=[103, 116, 123, 0]),
        dict(min_size=float('nan')),
    ],
)
def test_keys_out_of_range_are_refused(keys):
    with pytest.raises(UserError, match='set it|set them'):
        DataAnchorSampling(**keys)
