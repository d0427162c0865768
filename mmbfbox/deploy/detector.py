"""``FaceDetector``: pictures in, faces out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

import cv2
import numpy as np

from mmbfbox.artifacts.onnx_meta import OnnxMeta
from mmbfbox.deploy.backends import load_backend
from mmbfbox.deploy.faces import Faces
from mmbfbox.deploy.finding import FaceFinder, windows
from mmbfbox.deploy.machine import usable_threads
from mmbfbox.deploy.model_file import find_model
from mmbfbox.deploy.pixels import Picture, Source, is_pil, name_of, read_pixels
from mmbfbox.deploy.streams import Item, open_stream
from mmbfbox.errors import UserError
from mmbfbox.utils.placement import Size, check_size

SCORE = 0.45
"""Of the packaged detector on 200 of its training images: nine of ten boxes above it are faces, and the F1 of
faces of 20 pixels and more is best (20 pixels of 640)."""
LAYOUT = 'levels'
WINDOW = 16
"""Pictures of a list that are in memory at a time."""


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
        score: least score of a face. The default suits the packaged model; None takes the low threshold of
            the model's tests.
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
        self._finder = FaceFinder(self._network, self.info, self.size, self.score)

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
            for window in windows(items, WINDOW)
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
                the number of a webcam, a list of pictures, or what ``open_stream`` has opened. Of a webcam
                or an address only the newest frame is looked at.
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
        # Frames are OpenCV's, whatever arrays are.
        readers = [_Reader(each.source, rgb and each.frame is None, exif) for each in items]
        pictures = [read() for read in readers]
        found = self._finder.find(pictures, tile)
        results = []
        for item, read, picture, (boxes, scores) in zip(
            items, readers, pictures, found, strict=True
        ):
            height, width = picture.shape[:2]
            own = item.name, item.frame, read.gives_rgb
            results.append(Faces(boxes, scores, height, width, *own, read=read))
        return results


class _Reader:
    """Gives the picture of a source, again and again."""

    def __init__(self, source: Source, rgb: bool, exif: bool) -> None:
        self._given = source, rgb, exif
        self.gives_rgb = is_pil(source) or (rgb and isinstance(source, np.ndarray))

    def __call__(self) -> Picture:
        return read_pixels(*self._given)
