"""Decoding less gives the same samples: same windows, same boxes, nearly the same pixels."""

from __future__ import annotations

import cv2
import numpy as np
import PIL.Image
import pytest
from mmcv.transforms import Compose
from mmengine.registry import DefaultScope

from mmbfbox.datasets import DamagedImageError
from mmbfbox.datasets.randomness import seeded
from mmbfbox.datasets.transforms.data_anchor_sampling import DataAnchorSampling
from mmbfbox.datasets.wider_annotations import parse_wider_annotations
from mmbfbox.utils.images import ImageFile, read_image

REST = [
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='FacePhotometricDistortion'),
    dict(type='DataAnchorSampling', canvas=320),
    dict(type='DecodeFaceImage'),
    dict(type='RandomFlip', prob=0.5),
]


def pipeline(decode: bool, rest=REST) -> Compose:
    with DefaultScope.overwrite_default_scope('mmdet'):
        return Compose([dict(type='LoadFaceImage', decode=decode), *rest])


def sample(pipe: Compose, record, root, key: int):
    faces = [dict(bbox=box, bbox_label=0, ignore_flag=0) for box in record.boxes.tolist()]
    with seeded(7, key):
        return pipe(dict(img_path=str(root / record.name), instances=faces))


@pytest.fixture(scope='module')
def root(shared_data):
    return shared_data / 'wider_mini/WIDER_val/images'


@pytest.fixture(scope='module')
def pairs(shared_data, root):
    """Samples of real images by both ways, drawn alike."""
    parsed = parse_wider_annotations(
        shared_data / 'wider_mini/wider_face_split/wider_face_val_bbx_gt.txt'
    )
    late, whole = pipeline(False), pipeline(True)
    records = [record for record in parsed[::3] if len(record.boxes)]
    return [
        (sample(late, record, root, key), sample(whole, record, root, key))
        for key, record in enumerate(records)
    ]


def test_windows_scales_flips_and_boxes_are_the_same(pairs):
    assert len(pairs) > 90
    for late, whole in pairs:
        assert late['scale_factor'] == whole['scale_factor'] and late['flip'] == whole['flip']
        assert late['img'].shape == whole['img'].shape and late['img'].dtype == np.uint8
        one, other = late['gt_bboxes'].numpy(), whole['gt_bboxes'].numpy()
        assert abs(len(one) - len(other)) <= 1  # a centre on the border, a size on the limit
        if len(one) == len(other):
            np.testing.assert_allclose(one, other, atol=1)
    counts = [sum(len(pair[way]['gt_bboxes']) for pair in pairs) for way in (0, 1)]
    assert abs(counts[0] - counts[1]) <= 0.01 * counts[1]


def test_pixels_are_nearly_the_same(pairs):
    """Also in fine detail: the mean difference of neighbours says how sharp an image is."""
    same, sharpness = [], []
    for late, whole in pairs:
        one, other = (result['img'].astype(np.float32) for result in (late, whole))
        blurred = [cv2.GaussianBlur(image, (0, 0), 2) for image in (one, other)]
        assert np.abs(blurred[0] - blurred[1]).mean() < 5
        assert np.abs(one - other).mean() < 15
        same.append(np.abs(one - other).mean())
        sharpness.append([np.abs(np.diff(image, axis=1)).mean() for image in (one, other)])
    assert np.mean(same) < 1.5
    ratio = np.divide(*np.mean(sharpness, axis=0))
    assert 0.95 < ratio < 1.02


def test_no_reduction_is_asked_for_with_none_which_a_config_can_keep(root, shared_data):
    records = parse_wider_annotations(
        shared_data / 'wider_mini/wider_face_split/wider_face_val_bbx_gt.txt'
    )[::9]
    pairs = [(record, root, key) for key, record in enumerate(records) if len(record.boxes)]
    images = []
    for spare in (None, float('inf'), 1.5):
        steps = pipeline(False)
        (sampling,) = (step for step in steps.transforms if isinstance(step, DataAnchorSampling))
        sampling.spare = DataAnchorSampling(spare=spare).spare
        images.append([sample(steps, *pair)['img'] for pair in pairs])
    assert all(np.array_equal(*pair) for pair in zip(images[0], images[1]))
    assert not all(np.array_equal(*pair) for pair in zip(images[0], images[2]))


def test_a_reduced_image_is_the_image_scaled_down(root):
    path = max(root.glob('*/*.jpg'), key=lambda path: path.stat().st_size)
    file = ImageFile(path)
    whole = file.pixels()
    assert file.shape == whole.shape[:2]
    ratios = (2, 0.51, 0.5, 0.25, 0.01)
    assert [file.possible_reduction(ratio) for ratio in ratios] == [1, 1, 2, 4, 8]
    for reduce in (2, 4, 8):
        small = file.pixels(reduce)
        expected = cv2.resize(whole, small.shape[1::-1], interpolation=cv2.INTER_AREA)
        assert np.abs(small.astype(int) - expected).mean() < 8


@pytest.mark.parametrize('shape', [(64, 64), (65, 71), (1, 9), (120, 33)])
def test_sizes_that_do_not_divide_are_rounded_up(tmp_path, shape):
    path = tmp_path / 'face.jpg'
    cv2.imwrite(str(path), np.full((*shape, 3), 90, np.uint8))
    for reduce in (1, 2, 4, 8):
        size = ImageFile(path).pixels(reduce).shape[:2]
        assert size == tuple(-(-side // reduce) for side in shape)


def test_what_nothing_decoded_is_decoded_at_the_end_with_its_colours(root, shared_data):
    steps = [REST[0], REST[1], dict(type='DecodeFaceImage')]
    record = parse_wider_annotations(
        shared_data / 'wider_mini/wider_face_split/wider_face_val_bbx_gt.txt'
    )[0]
    late, whole = (sample(pipeline(decode, steps), record, root, 3) for decode in (False, True))
    np.testing.assert_array_equal(late['img'], whole['img'])
    assert 'image_file' not in late and 'image_file' not in whole


def test_png_files_are_read_whole(tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / 'face.png'), image)
    file = ImageFile(tmp_path / 'face.png')
    assert file.shape == (40, 50) and file.possible_reduction(0.1) == 1
    np.testing.assert_array_equal(file.pixels(), image)


def test_orientation_marks_are_ignored_because_boxes_refer_to_the_stored_image(tmp_path):
    path = tmp_path / 'turned.jpg'
    cv2.imwrite(str(path), np.full((30, 50, 3), 9, np.uint8))
    data = path.read_bytes()
    tiff = b'MM\0*\0\0\0\x08' + b'\0\x01' + b'\x01\x12\0\x03\0\0\0\x01\0\x06\0\0' + b'\0' * 4
    exif = b'Exif\0\0' + tiff
    path.write_bytes(data[:2] + b'\xff\xe1' + (len(exif) + 2).to_bytes(2, 'big') + exif + data[2:])
    assert cv2.imread(str(path)).shape[:2] == (50, 30)
    assert ImageFile(path).shape == read_image(path).shape[:2] == (30, 50)
    assert ImageFile(path).pixels(2).shape[:2] == (15, 25)


def test_a_size_beyond_reason_is_refused_before_memory_is_taken(tmp_path):
    path = tmp_path / 'huge.jpg'
    cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
    data = path.read_bytes()
    at = data.index(b'\xff\xc0') + 5
    path.write_bytes(data[:at] + b'\xff\xff\xff\xff' + data[at + 4 :])
    with pytest.raises(DamagedImageError, match='claims to have 65535 x 65535 pixels'):
        ImageFile(path)


@pytest.mark.parametrize('reduce', [1, 2, 4, 8])
def test_strict_decoding_gives_the_same_pixels(shared_data, reduce):
    for path in sorted((shared_data / 'wider_mini/WIDER_val/images').glob('*/*.jpg'))[::60]:
        plain, strict = (ImageFile(path, strict).pixels(reduce) for strict in (False, True))
        assert np.array_equal(plain, strict)


def test_what_the_decoder_complains_about_is_refused_if_strict_and_read_as_by_others_if_not(
    tmp_path,
):
    path = tmp_path / 'hole.jpg'
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    cv2.imwrite(str(path), noise)
    data = path.read_bytes()
    path.write_bytes(data[:9000] + data[9500:])
    assert ImageFile(path).pixels().shape == (200, 200, 3)
    for reduce in (1, 4):
        with pytest.raises(DamagedImageError, match='is damaged .*Corrupt JPEG data'):
            ImageFile(path, strict=True).pixels(reduce)


def test_strict_does_not_refuse_what_is_only_unusual(tmp_path):
    """Grey; colours for printing, which only OpenCV converts."""
    noise = np.random.default_rng(0).integers(0, 255, (40, 50, 4), np.uint8)
    for mode, pixels in (('L', noise[..., 0]), ('CMYK', noise)):
        path = tmp_path / f'{mode}.jpg'
        PIL.Image.fromarray(pixels, mode).save(path)
        plain, strict = (ImageFile(path, strict).pixels(2) for strict in (False, True))
        assert plain.shape == (20, 25, 3) and np.array_equal(plain, strict)
