"""``FaceDetector`` in every back end, in batches and in threads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmcv.ops import nms

from mmbfbox.deploy import FaceDetector
from mmbfbox.deploy.machine import usable_threads
from mmbfbox.deploy.postprocess import suppress
from mmbfbox.deploy.tiling import tiles
from tests.deploy.conftest import least_score, picture

ROOT = Path(__file__).resolve().parents[2]
SIZES = [(240, 320), (100, 130), (240, 320), (320, 200), (240, 320), (100, 130)]


@pytest.mark.parametrize('backend, file', [('openvino', 'model.onnx'), ('torch', 'model.pth')])
def test_every_back_end_gives_the_same_boxes(detector: FaceDetector, folder, backend, file):
    if backend == 'openvino':
        pytest.importorskip('openvino')
    other = FaceDetector(folder / file, backend, size=320, score=0.0, threads=1)
    exact = FaceDetector(folder / 'model.onnx', size=320, score=0.0, threads=1)
    for size in SIZES[:3]:
        expected, found = exact(picture(*size)), other(picture(*size))
        assert len(found) == len(expected) > 10
        np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)
        # Boxes whose scores are equal but for the last bits may change places.
        order = [np.lexsort(each.boxes.round(1).T) for each in (expected, found)]
        np.testing.assert_allclose(
            found.boxes[order[1]], expected.boxes[order[0]], atol=0.01, rtol=0
        )


def test_bf16_is_asked_for_by_name(folder):
    pytest.importorskip('openvino')
    exact = FaceDetector(folder, score=0.0, threads=1)
    rough = FaceDetector(folder, score=0.0, threads=1, precision='bf16')
    assert (exact.backend, rough.backend) == ('onnx', 'openvino')
    np.testing.assert_allclose(rough(picture()).scores[:5], exact(picture()).scores[:5], atol=0.02)


def test_batches_give_what_single_pictures_give(detector: FaceDetector):
    pictures = [picture(*size, seed=seed) for seed, size in enumerate(SIZES)]
    calls = []
    run = detector._network.run

    def counted(images: np.ndarray):
        calls.append(len(images))
        return run(images)

    detector._network.run = counted
    try:
        together = detector(pictures)
    finally:
        del detector._network.run
    # (100, 130) is scaled to (246, 320), which is filled up to the same input as (240, 320).
    assert sorted(calls) == [1, 5]
    for faces, alone in zip(together, map(detector, pictures), strict=True):
        np.testing.assert_allclose(faces.boxes, alone.boxes, atol=1e-4)
        np.testing.assert_allclose(faces.scores, alone.scores, atol=1e-4)


def test_many_threads_share_one_detector(folder):
    pictures = [picture(*size, seed=seed) for seed, size in enumerate(SIZES * 2)]
    for backend in ('onnx', 'openvino', 'torch'):
        if backend == 'openvino':
            pytest.importorskip('openvino')
        shared = FaceDetector(folder, backend, size=320, score=0.02, threads=1)
        serial = [shared(each) for each in pictures]
        with ThreadPoolExecutor(8) as pool:
            parallel = list(pool.map(shared, pictures))
        for faces, expected in zip(parallel, serial, strict=True):
            np.testing.assert_array_equal(faces.boxes, expected.boxes)
            np.testing.assert_array_equal(faces.scores, expected.scores)


def run_alone(code: str, *arguments: object) -> dict:
    """Run a program in a new process and read the JSON that it prints last."""
    environment = {**os.environ, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': ''}
    words = [sys.executable, '-c', code, *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    assert not done.returncode, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


THREADS = """
import json, os, sys
import numpy as np
from mmbfbox.deploy import FaceDetector
def ticks():
    times = {}
    for task in os.listdir('/proc/self/task'):
        fields = open(f'/proc/self/task/{task}/stat').read().rpartition(')')[2].split()
        times[int(task)] = int(fields[11]) + int(fields[12])
    own = times.pop(os.getpid())
    return np.array([own, sum(times.values())])
detector = FaceDetector(sys.argv[1], sys.argv[2], size=640, threads=1)
photo = np.random.default_rng(0).integers(0, 256, (1500, 2000, 3), np.uint8)
detector(photo)
# NumPy's own threads are awake for a moment when it is imported.
before = ticks()
for _ in range(20):
    detector(photo)
own, others = (ticks() - before).tolist()
print(json.dumps(dict(own=own, others=others)))
"""


@pytest.mark.skipif(not Path('/proc/self/task').is_dir(), reason='threads are counted in /proc')
@pytest.mark.parametrize('backend', ['onnx', 'openvino'])
def test_a_detector_of_one_thread_uses_one(model, backend):
    if backend == 'openvino':
        pytest.importorskip('openvino')
    ticks = run_alone(THREADS, model, backend)
    assert ticks['own'] > 10 and ticks['others'] <= 1, ticks


MEMORY = """
import json, re, sys
import numpy as np
from mmbfbox.deploy import FaceDetector
def resident():
    return int(re.search(r'VmRSS:\\s+(\\d+)', open('/proc/self/status').read())[1]) / 1024
detector = FaceDetector(sys.argv[1], size='original', score=0.99, threads=1)
random = np.random.default_rng(0)
photo = random.integers(0, 256, (256, 256, 3), np.uint8)
for _ in range(3):
    detector(photo)
before = resident()
for height, width in random.integers(16, 257, (500, 2)):
    detector(photo[:height, :width])
print(json.dumps(dict(grown=resident() - before)))
"""


@pytest.mark.skipif(not Path('/proc/self/status').is_file(), reason='memory is read in /proc')
def test_memory_does_not_grow_with_the_number_of_sizes(model):
    assert run_alone(MEMORY, model)['grown'] < 10


def test_no_more_threads_than_the_process_may_use(tmp_path):
    proc, group = tmp_path / 'proc/self', tmp_path / 'sys/fs/cgroup/pod/job'
    proc.mkdir(parents=True)
    group.mkdir(parents=True)
    cores = len(os.sched_getaffinity(0))
    assert usable_threads(tmp_path) == cores
    (proc / 'cgroup').write_text('0::/pod/job\n')
    (group / 'cpu.max').write_text('max 100000\n')
    assert usable_threads(tmp_path) == cores
    # That of the pod counts, too.
    (group.parent / 'cpu.max').write_text('150000 100000\n')
    assert usable_threads(tmp_path) == 1
    (proc / 'cgroup').write_text('4:memory:/\n2:cpu,cpuacct:/\n0::/\n')
    old = tmp_path / 'sys/fs/cgroup/cpu'
    old.mkdir()
    (old / 'cpu.cfs_quota_us').write_text('50000\n')
    (old / 'cpu.cfs_period_us').write_text('100000\n')
    assert usable_threads(tmp_path) == 1


def test_suppression_keeps_what_mmcv_keeps():
    random = np.random.default_rng(0)
    for number in (1, 40, 700, 3000):
        corners = random.uniform(0, 400, (number, 2))
        boxes = np.hstack((corners, corners + random.uniform(1, 80, (number, 2)))).astype(
            np.float32
        )
        scores = random.random(number).astype(np.float32)
        for iou in (0.3, 0.6):
            expected = nms(torch.from_numpy(boxes), torch.from_numpy(scores), iou)[1].numpy()
            np.testing.assert_array_equal(suppress(boxes, scores, iou, number), expected)
            np.testing.assert_array_equal(suppress(boxes, scores, iou, 9), expected[:9])


def test_tiles_cover_the_picture_and_overlap():
    seen = np.zeros((1500, 2300), int)
    for tile in tiles(1500, 2300, 640, 32):
        assert tile.part == tile.inner == (640, 640)
        seen[tile.top : tile.top + 640, tile.left : tile.left + 640] += 1
    assert seen.min() == 1
    assert not tiles(480, 640, 640, 32)
    # A face as large as the overlap is whole in a tile, wherever it is.
    starts = sorted({tile.left for tile in tiles(1500, 2300, 640, 32)})
    assert all(left + 640 - right >= 160 for left, right in pairwise(starts))


def test_tiles_add_small_faces_and_leave_small_pictures_alone(model):
    score = least_score(model)
    detector = FaceDetector(model, size=320, score=score, threads=1)
    small = picture(200, 300)
    np.testing.assert_array_equal(
        detector.detect(small, tile=True).boxes, detector.detect(small).boxes
    )
    large = picture(1200, 1500)
    whole, tiled = detector.detect(large), detector.detect(large, tile=True)
    side = [
        np.sqrt((each.boxes[:, 2:] - each.boxes[:, :2]).prod(1)).min() for each in (whole, tiled)
    ]
    assert side[1] < side[0]
    assert (tiled.boxes >= 0).all() and (tiled.boxes[:, 2:] <= (1500, 1200)).all()


def test_results_draw_crop_and_become_plain(detector: FaceDetector):
    pixels = picture()
    faces = detector(pixels)
    assert len(list(faces)) == len(faces) == len(faces.scores)
    assert (np.diff(faces.scores) <= 0).all() and faces.boxes.dtype == np.float32
    drawn = faces.draw()
    assert drawn.shape == pixels.shape and (drawn != pixels).any()
    np.testing.assert_array_equal(pixels, picture())
    left, top, right, bottom, score = faces[0]
    plain = json.loads(json.dumps(faces.to_dict()))
    assert plain['width'] == 320 and len(plain['faces']) == len(faces)
    assert plain['faces'][0]['box'] == pytest.approx([left, top, right, bottom], abs=1e-3)
    (first, *_) = faces.to_coco(image_id=7)
    assert first['image_id'] == 7 and first['score'] == pytest.approx(score, abs=1e-6)
    assert first['bbox'] == pytest.approx([left, top, right - left, bottom - top], abs=2e-3)
    wide, narrow = faces.crop(0.5)[0], faces.crop()[0]
    assert wide.shape[0] > narrow.shape[0] and wide.shape[1] > narrow.shape[1]
    assert repr(faces) == f'Faces({len(faces)} on {faces.name}, 320x240, best score {score:.2f})'


def test_a_result_of_a_file_reads_it_again(detector: FaceDetector, tmp_path):
    path = tmp_path / 'picture.png'
    cv2.imwrite(str(path), picture())
    faces = detector(path)
    np.testing.assert_array_equal(faces.draw(), detector(picture()).draw())
