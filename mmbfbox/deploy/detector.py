"""``FaceDetector``: pictures in, faces out."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, overload

import cv2
import numpy as np
from numpy.typing import NDArray

from mmbfbox.artifacts.onnx_meta import OnnxMeta
from mmbfbox.deploy.backends import load_backend
from mmbfbox.deploy.faces import Faces
from mmbfbox.deploy.machine import usable_threads
from mmbfbox.deploy.model_file import find_model
from mmbfbox.deploy.pixels import Picture, Source, is_pil, name_of, read_pixels
from mmbfbox.deploy.postprocess import decode, suppress
from mmbfbox.deploy.preprocess import Placement, Size, check_size, place
from mmbfbox.deploy.streams import Item, open_stream
from mmbfbox.deploy.tiling import tiles, whole_faces
from mmbfbox.errors import UserError
from mmbfbox.utils.box_voting import vote_boxes

Floats = NDArray[np.float32]
Found = tuple[Floats, Floats]
SCORE = 0.3
LAYOUT = 'levels'
MOST_PIXELS = 8 * 640 * 640
"""Pixels of the inputs of a batch: more at once is no faster on a CPU and takes memory."""
WINDOW = 16
"""Pictures of a list that are in memory at a time."""
T = TypeVar('T')


class FaceDetector:
    """Finds faces on pictures, videos and webcams.

    One detector may be used by many Python threads at once.

    Args:
        model: a published or exported ``.onnx``, an OpenVINO ``.xml``, a ``.pth`` with its config
            inside, a folder with one of these, or the name of a packaged model; None takes the packaged
            default.
        backend: ``'onnx'`` (onnxruntime), ``'openvino'``, ``'torch'``, or ``'auto'``, which decides by the
            file and the precision.
        device: ``'cpu'``, or what the back end knows beside it, like ``'cuda'``.
        size: what the network sees: an int is the longer side in pixels, ``(height, width)`` a canvas that
            the picture is fitted into, ``'original'`` the picture's own size. The aspect is kept.
        score: least score of a face; None takes the low threshold of the model's tests.
        threads: on the CPU; None takes what the process may use. OpenCV has one number of threads for the
            process; where a number is given, it is set, too.
        precision: ``'fp32'``, ``'bf16'`` (OpenVINO, torch) or ``'int8'``, which takes the int8 file of a
            packaged model or a folder.

    Attributes:
        info: what the model says of itself.
        backend: the back end in use.
        path: the model's file.

    Raises:
        UserError: there is no such model, it is damaged or of another layout, its hash does not match, a
            back end is missing, or an argument is none.

    Example::

        from mmbfbox.deploy import FaceDetector

        for face in FaceDetector('model.onnx')('photo.jpg'):
            print(face)
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        backend: str = 'auto',
        device: str = 'cpu',
        size: Size = 640,
        score: float | None = SCORE,
        threads: int | None = None,
        precision: str = 'fp32',
    ) -> None:
        self.size = check_size(size)
        if score is not None and not 0 <= score <= 1:
            raise UserError(f'score is {score!r}; give a number from 0 to 1, or None')
        if threads is not None and (not isinstance(threads, int) or threads < 1):
            raise UserError(f'threads is {threads!r}; give 1 or more, or None')
        self.path, self.backend = find_model(model, backend, precision)
        if threads is not None:
            cv2.setNumThreads(threads)
        self.threads = threads or usable_threads()
        self._network = load_backend(self.backend, self.path, device, self.threads, precision)
        self.info = OnnxMeta.from_texts(self._network.metadata, self.path)
        self._check_layout()
        self.score = self.info.score_threshold if score is None else score
        self.divisor = max(self.info.strides)

    def _check_layout(self) -> None:
        again = f'export it again with --layout {LAYOUT}'
        if self.info.layout != LAYOUT:
            raise UserError(
                f'the model {self.path} has the layout {self.info.layout}, which is for other programs, and '
                f'FaceDetector reads {LAYOUT}; {again}'
            )
        names = [f'{kind}_{stride}' for stride in self.info.strides for kind in ('score', 'bbox')]
        if missing := [name for name in names if name not in self._network.outputs]:
            raise UserError(f'the model {self.path} has no output {missing[0]}; {again}')

    def __call__(self, source: Any, **options: Any) -> Any:
        """The same as :meth:`detect`."""
        return self.detect(source, **options)

    @overload
    def detect(
        self,
        source: list[Source] | tuple[Source, ...],
        rgb: bool = ...,
        exif: bool = ...,
        tile: bool = ...,
    ) -> list[Faces]: ...

    @overload
    def detect(
        self, source: Source, rgb: bool = ..., exif: bool = ..., tile: bool = ...
    ) -> Faces: ...

    def detect(
        self, source: Any, rgb: bool = False, exif: bool = True, tile: bool = False
    ) -> Faces | list[Faces]:
        """The faces of a picture, or of each picture of a list.

        Pictures of a list whose inputs have the same size go through the network together.

        Args:
            source: a path, the bytes of a file, a PIL image, an array ``(H, W)`` or ``(H, W, 1 | 3 | 4)``
                with values from 0 to 255, or a list of these.
            rgb: arrays are RGB or RGBA, in place of BGR or BGRA.
            exif: turn files, bytes and PIL images as their EXIF data says; boxes are those of the turned
                picture. Boxes of WIDER FACE belong to pictures as stored, so set it to False there.
            tile: also look at overlapping tiles at full size, for tiny faces on large pictures.

        Raises:
            UserError: a picture is missing or damaged, or the list is empty.
        """
        several = isinstance(source, (list, tuple))
        if several and not source:
            raise UserError('an empty list was given; give at least one picture')
        items = [Item(each, name_of(each)) for each in (source if several else [source])]
        results = [
            faces
            for window in _windows(items, WINDOW)
            for faces in self._detect_items(window, rgb, exif, tile)
        ]
        return results if several else results[0]

    def stream(
        self,
        source: Any,
        rgb: bool = False,
        exif: bool = True,
        tile: bool = False,
        on_bad: Callable[[UserError], None] | None = None,
    ) -> Iterator[Faces]:
        """The faces of one picture or frame after another, in constant memory.

        Args:
            source: a folder, a pattern like ``'photos/**/*.jpg'``, a video, an address like ``'rtsp://...'``,
                the number of a webcam, or a list of pictures. Of a webcam or an address only the newest
                frame is looked at.
            rgb: as in :meth:`detect`.
            exif: as in :meth:`detect`.
            tile: as in :meth:`detect`.
            on_bad: what to do about a picture that cannot be read; the rest follows. By default it is
                an error.

        Raises:
            UserError: there is no such source or nothing in it, a video ends in the middle, or a picture is
                bad.
        """
        for item in open_stream(source):
            try:
                (faces,) = self._detect_items([item], rgb, exif, tile)
            except UserError as error:
                if on_bad is None:
                    raise
                on_bad(error)
                continue
            yield faces

    def _detect_items(
        self, items: Sequence[Item], rgb: bool, exif: bool, tile: bool
    ) -> list[Faces]:
        """The faces of a few pictures, which are in memory together."""
        pictures = [read_pixels(item.source, rgb, exif) for item in items]
        views = [(number, view) for number, picture in enumerate(pictures) for view in
                 self._views(picture, tile)]  # fmt: skip
        found = self._run(pictures, views)
        results = []
        for number, (item, picture) in enumerate(zip(items, pictures, strict=True)):
            own = [
                (view, each) for (of, view), each in zip(views, found, strict=True) if of == number
            ]
            boxes, scores = self._merged(own, picture.shape[:2])
            results.append(
                Faces(
                    boxes, scores, *picture.shape[:2], item.name, item.frame,
                    rgb=is_pil(item.source) or (rgb and isinstance(item.source, np.ndarray)),
                    read=_Reader(item.source, rgb, exif),
                )
            )  # fmt: skip
        return results

    def _views(self, picture: Picture, tile: bool) -> list[Placement]:
        """What the network sees of a picture: all of it, then tiles."""
        height, width = picture.shape[:2]
        whole = place((height, width), self.size, self.divisor)
        return [whole, *(tiles(height, width, self.size, self.divisor) if tile else [])]

    def _run(
        self, pictures: Sequence[Picture], views: Sequence[tuple[int, Placement]]
    ) -> list[Found]:
        """Boxes and scores of each view, in pixels of its picture; views of one size go together."""
        alike = defaultdict(list)
        for index, (_, view) in enumerate(views):
            alike[view.outer].append(index)
        found: dict[int, Found] = {}
        for (height, width), indices in alike.items():
            most = max(1, MOST_PIXELS // (height * width))
            for batch in _windows(indices, most):
                inputs = np.empty((len(batch), 3, height, width), np.float32)
                for place_in_batch, index in enumerate(batch):
                    number, view = views[index]
                    view.fill(pictures[number], self.info.mean, inputs[place_in_batch])
                outputs = self._network.run(inputs)
                for place_in_batch, index in enumerate(batch):
                    boxes, scores = decode(outputs, place_in_batch, self.info.strides, self.score)
                    found[index] = self._suppressed(views[index][1].to_picture(boxes), scores)
        return [found[index] for index in range(len(views))]

    def _suppressed(self, boxes: Floats, scores: Floats) -> Found:
        """One box for each face."""
        solid = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        boxes, scores = boxes[solid], scores[solid]
        kept = suppress(boxes, scores, self.info.nms_iou, self.info.max_faces)
        return boxes[kept], scores[kept]

    def _merged(self, found: Sequence[tuple[Placement, Found]], size: tuple[int, ...]) -> Found:
        """The faces of all views of a picture."""
        if len(found) == 1:
            return found[0][1]
        parts = []
        for number, (view, (boxes, scores)) in enumerate(found):
            rows = np.hstack((boxes, scores[:, None]))
            parts.append(rows[whole_faces(boxes, view, *size)] if number else rows)
        rows = vote_boxes(np.concatenate(parts), self.info.nms_iou, limit=self.info.max_faces)
        voted = rows.astype(np.float32)
        return voted[:, :4], voted[:, 4]


class _Reader:
    """Gives the picture of a result, read again where that is possible."""

    def __init__(self, source: Source, rgb: bool, exif: bool) -> None:
        self._given = source, rgb, exif

    def __call__(self) -> Picture:
        return read_pixels(*self._given)


def _windows(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Consecutive parts of a sequence."""
    return (items[start : start + size] for start in range(0, len(items), size))
