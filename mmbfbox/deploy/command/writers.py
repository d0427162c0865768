"""Results as files, each complete when it appears: a context manager gives a function that takes faces."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2

from mmbfbox.deploy.faces import Faces
from mmbfbox.errors import UserError
from mmbfbox.utils.files import atomic_write, make_writable_dir

Add = Callable[[Faces], None]
Named = Callable[[Faces], Path]
"""The place of a picture below the folder that it comes from, like ``event/name.jpg``."""

_CODECS = {
    '.mp4': 'mp4v',
    '.m4v': 'mp4v',
    '.mov': 'mp4v',
    '.mkv': 'mp4v',
    '.avi': 'MJPG',
    '.webm': 'VP80',
}
_RATE = 25.0
"""Frames a second where the source says none."""


@contextmanager
def json_lines(path: str) -> Iterator[Add]:
    """A JSON object a line for each picture; ``'-'`` is standard output."""
    if path == '-':
        yield lambda faces: print(json.dumps(faces.to_dict()), flush=True)
        return
    with atomic_write(path) as temporary, temporary.open('w', encoding='utf-8') as file:
        yield lambda faces: print(json.dumps(faces.to_dict()), file=file)


@contextmanager
def csv_table(path: str) -> Iterator[Add]:
    """A row for each face."""
    with atomic_write(path) as temporary, temporary.open('w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(('source', 'frame', 'left', 'top', 'right', 'bottom', 'score'))

        def add(faces: Faces) -> None:
            plain = faces.to_dict()
            first = plain['source'], plain.get('frame', '')
            writer.writerows((*first, *face['box'], face['score']) for face in plain['faces'])

        yield add


@contextmanager
def coco_json(path: str, place_of: Named) -> Iterator[Add]:
    """A data set in COCO's form, whose annotations are the faces and have a score."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []

    def add(faces: Faces) -> None:
        number = len(images) + 1
        name = place_of(faces).as_posix()
        images.append(dict(id=number, file_name=name, width=faces.width, height=faces.height))
        for entry in faces.to_coco(number):
            area = round(entry['bbox'][2] * entry['bbox'][3], 3)
            annotations.append(dict(id=len(annotations) + 1, **entry, area=area, iscrowd=0))

    yield add
    whole = dict(images=images, annotations=annotations, categories=[dict(id=1, name='face')])
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(whole) + '\n', encoding='utf-8')


@contextmanager
def wider_files(folder: str, place_of: Named) -> Iterator[Add]:
    """The official layout of WIDER FACE: ``folder/event/name.txt`` for each picture."""
    root, written = make_writable_dir(folder), set()

    def add(faces: Faces) -> None:
        place = place_of(faces)
        event, stem = place.parent.name or 'pictures', place.stem
        if (event, stem) in written:
            raise UserError(
                f'two pictures would become {event}/{stem}.txt, the other is not {faces.name}; rename one, '
                f'or write another format'
            )
        written.add((event, stem))
        rows = [f'{x:.3f} {y:.3f} {r - x:.3f} {b - y:.3f} {s:.7g}' for x, y, r, b, s in faces]
        with atomic_write(root / event / f'{stem}.txt') as temporary:
            temporary.write_text('\n'.join([stem, str(len(faces)), *rows]) + '\n', encoding='utf-8')

    yield add


@contextmanager
def drawn_pictures(folder: str, place_of: Named) -> Iterator[Add]:
    """Each picture with its boxes, below the folder where it was below its own."""
    root, written = make_writable_dir(folder), set()

    def add(faces: Faces) -> None:
        place = place_of(faces)
        if not cv2.haveImageWriter(f'x{place.suffix or ".jpg"}') or not place.suffix:
            place = place.with_name(f'{place.name}.png')
        # Of two sources with the same name, both are wanted.
        free, number = place, 1
        while free in written:
            number += 1
            free = place.with_stem(f'{place.stem}-{number}')
        written.add(free)
        with atomic_write(root / free) as temporary:
            if not cv2.imwrite(str(temporary), faces.draw()):
                raise UserError(f'OpenCV cannot write {root / free}; choose another folder')

    yield add


@contextmanager
def drawn_video(path: str, rate: float | None) -> Iterator[Add]:
    """A video of all frames with their boxes; a frame that was left out is shown by the one after it."""
    suffix = Path(path).suffix.lower()
    if suffix not in _CODECS:
        raise UserError(f'{path} is no name of a video; end it in one of {", ".join(_CODECS)}')
    with atomic_write(path) as temporary:
        writer: cv2.VideoWriter | None = None
        last = -1
        try:

            def add(faces: Faces) -> None:
                nonlocal writer, last
                if writer is None:
                    code = cv2.VideoWriter.fourcc(*_CODECS[suffix])
                    size = faces.width, faces.height
                    writer = cv2.VideoWriter(str(temporary), code, rate or _RATE, size)
                    if not writer.isOpened():
                        raise UserError(f'OpenCV cannot write {path} here; end it in .avi')
                    last = (faces.frame or 0) - 1
                drawn = faces.draw()
                for _ in range(max(1, (faces.frame or 0) - last)):
                    writer.write(drawn)
                last = faces.frame or 0

            yield add
        finally:
            if writer is not None:
                writer.release()
        if writer is None:
            raise UserError(f'there is no frame to write into {path}; check the source')
