"""Other people's readers take our files as they are, and find the detector's boxes."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from mmbfbox.artifacts.onnx_meta import OnnxMeta
from mmbfbox.engine.checkpoint.weights import digest
from mmbfbox.errors import UserError
from mmbfbox.export.onnx import export_onnx
from mmbfbox.export.onnx.parity import expected_boxes, random_batches
from tests.export.onnx.detectors import small

Array = NDArray[Any]


@pytest.fixture(scope='module')
def image() -> Array:
    """A BGR picture (96, 160, 3) with something on it."""
    noise = np.random.default_rng(3).integers(0, 256, (6, 10, 3), dtype=np.uint8)
    return cv2.resize(noise, (160, 96), interpolation=cv2.INTER_CUBIC)


def boxes_of(detector: Any, image: Array, strides: tuple[int, ...]) -> tuple[Array, Array]:
    """All scores and boxes of a detector for one picture."""
    batch = image.transpose(2, 0, 1)[None].astype(np.float32)
    scores, boxes = expected_boxes(detector, batch, strides)
    return scores[0], boxes[0]


def test_opencv_reads_the_yunet_layout_and_finds_the_same_boxes(image, tmp_path):
    detector = small(strides=(8, 16, 32))
    path = export_onnx(detector, 'yunet').write(tmp_path / 'face.onnx')
    reader = cv2.FaceDetectorYN.create(str(path), '', (160, 96), 0.0, 1.0, 10_000)
    for picture in (image, image[:64, :128]):  # it is told the size, and takes any
        reader.setInputSize(picture.shape[1::-1])
        faces = reader.detect(picture)[1]
        scores, boxes = boxes_of(detector, picture, (8, 16, 32))
        assert len(faces) == len(boxes) == picture.size // 3 * 21 // 1024
        order = scores.argsort()[::-1]
        found = faces[faces[:, 14].argsort()[::-1]]
        assert np.abs(found[:, 14] - scores[order]).max() <= 1e-5
        # Places whose scores are equal to the last bits may change their order.
        corners = np.concatenate([found[:, :2], found[:, :2] + found[:, 2:4]], 1)
        for row, box in zip(found, corners, strict=True):
            near = np.abs(scores - row[14]) < 1e-5
            assert np.abs(boxes[near] - box).max(1).min() <= 1e-3


class ScrfdReader:
    """Reads a file after the public description of SCRFD's outputs.

    The number of outputs tells the form: 6 for strides 8, 16, 32 with two anchors a cell, 10 for 8 to 128
    with one. All scores come first, then all distances, in strides from the upper left corner of the cell.
    """

    def __init__(self, path: Path) -> None:
        self.session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
        outputs = len(self.session.get_outputs())
        self.strides, self.anchors = {
            6: ((8, 16, 32), 2),
            10: ((8, 16, 32, 64, 128), 1),
        }[outputs]

    def __call__(self, image: Array) -> tuple[Array, Array]:
        """All scores ``(K,)`` and boxes ``(K, 4)`` of a BGR picture."""
        blob = cv2.dnn.blobFromImage(image, 1 / 128, None, (127.5,) * 3, swapRB=True)
        outputs = self.session.run(None, {self.session.get_inputs()[0].name: blob})
        half, found = len(self.strides), []
        for stride, scores, distances in zip(
            self.strides, outputs[:half], outputs[half:], strict=True
        ):
            rows, columns = image.shape[0] // stride, image.shape[1] // stride
            corners = np.stack(np.mgrid[:rows, :columns][::-1], -1).reshape(-1, 2) * stride
            corners = corners.repeat(self.anchors, 0)
            sides = distances[0] * stride
            found.append(
                (scores[0, :, 0], np.hstack([corners - sides[:, :2], corners + sides[:, 2:]]))
            )
        return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])


@pytest.mark.parametrize(
    ('head', 'strides'),
    [
        ('two shapes', (8, 16, 32)),
        ('per level', (8, 16, 32)),
        ('shared tower with group norm', (8, 16, 32, 64, 128)),
    ],
)
def test_a_scrfd_reader_finds_the_same_boxes(head, strides, image, tmp_path):
    detector = small(head, strides)
    picture = cv2.resize(image, (256, 128))
    reader = ScrfdReader(export_onnx(detector, 'scrfd').write(tmp_path / 'face.onnx'))
    found, expected = reader(picture), boxes_of(detector, picture, strides)
    if head == 'per level':  # a second anchor, which is never a face
        assert (found[0][1::2] == 0).all()
        found = found[0][::2], found[1][::2]
    assert np.abs(found[0] - expected[0]).max() <= 1e-5
    assert np.abs(found[1] - expected[1]).max() <= 1e-3


def test_a_layout_that_does_not_know_the_levels_is_refused():
    detector = small()
    for layout in ('scrfd', 'yunet'):
        with pytest.raises(UserError, match='strides 8, 16, 32.* has 4, 8, 16, 32 with 1'):
            export_onnx(detector, layout)
    with pytest.raises(UserError, match='one anchor a cell'):
        export_onnx(small('two anchors', (8, 16, 32)), 'yunet')
    with pytest.raises(UserError, match="'yolo'; take one of levels, scrfd, yunet"):
        export_onnx(detector, 'yolo')
    with pytest.raises(UserError, match='choose among those of the detector'):
        export_onnx(detector, strides=[8, 64])


def test_levels_that_a_reader_does_not_know_can_be_left_out(image):
    """If nothing above the others is merged into them, the image need not be a multiple of its stride."""
    detector = small(strides=(8, 16, 32, 64))
    exported = export_onnx(detector, 'yunet', strides=(8, 16, 32))
    assert exported.meta.strides == (8, 16, 32)
    session = onnxruntime.InferenceSession(exported.model.SerializeToString())
    outputs = session.run(['bbox_32'], {'image': np.zeros((1, 3, 96, 160), np.float32)})
    assert outputs[0].shape == (1, 15, 4)
    with pytest.raises(UserError, match='it fails: .*a level that was left out is merged'):
        export_onnx(small(), strides=(4, 8, 16))


def test_a_file_can_suppress_boxes_itself(image):
    detector = small('two anchors')
    exported = export_onnx(detector, nms=True)
    assert exported.meta.layout == 'boxes'
    assert not {'Shape', 'ConstantOfShape'} & {n.op_type for n in exported.model.graph.node}
    session = onnxruntime.InferenceSession(exported.model.SerializeToString())
    batch = random_batches(64, seed=5)[1]
    boxes, scores, of = session.run(['boxes', 'scores', 'batch'], {'image': batch})
    assert boxes.shape == (len(scores), 4) and set(of) <= {0, 1, 2} and len(of) == len(scores)
    for number in set(of):
        assert (np.diff(scores[of == number]) <= 0).all()
    with pytest.raises(UserError, match='leave --nms out'):
        export_onnx(small(strides=(8, 16, 32)), 'yunet', nms=True)


def test_metadata_says_what_a_reader_needs_and_nothing_of_this_machine(tmp_path):
    detector = small('two shapes')
    exported = export_onnx(detector, licence='Apache-2.0', name='tiny')
    path = exported.write(tmp_path / 'face.onnx')
    model = onnx.load(path)
    texts = {entry.key: entry.value for entry in model.metadata_props}
    assert texts == {
        'mmbfbox.schema': '1',
        'mmbfbox.layout': 'levels',
        'mmbfbox.strides': '[4, 8, 16, 32]',
        'mmbfbox.anchors': '2',
        'mmbfbox.mean': '[103.53, 116.28, 123.675]',
        'mmbfbox.score_threshold': '0.01',
        'mmbfbox.nms_iou': '0.3',
        'mmbfbox.max_faces': '750',
        'mmbfbox.source': digest(detector.state_dict()),
        'mmbfbox.licence': 'Apache-2.0',
        'mmbfbox.name': 'tiny',
    }
    assert OnnxMeta.from_texts(texts, path) == exported.meta
    content = path.read_bytes()
    here = [
        str(Path.cwd()),
        str(Path.home()),
        str(tmp_path),
        os.sep + 'site-packages',
        '.py',
        'File "',
    ]
    for word in (*here, 'stack_trace'):
        assert word.encode() not in content, word
    assert not re.search(rb'/(home|tmp|usr|work|root)/', content)
    for part in (model, model.graph, *model.graph.node, *model.graph.initializer):
        assert not part.doc_string
    assert not any(len(node.metadata_props) for node in model.graph.node)


@pytest.mark.parametrize(
    'texts',
    [
        {'other.layout': 'levels'},
        {'mmbfbox.schema': '1', 'mmbfbox.layout': 'levels'},
        {'mmbfbox.schema': 'one'},
        {'mmbfbox.schema': '2'},
    ],
)
def test_metadata_of_another_file_is_refused_in_one_sentence(texts):
    with pytest.raises(UserError, match='face.onnx') as caught:
        OnnxMeta.from_texts(texts, 'face.onnx')
    assert '\n' not in str(caught.value)


def test_the_same_detector_gives_the_same_file():
    first, second = (export_onnx(small()).model.SerializeToString(deterministic=True) for _ in '12')
    assert first == second
