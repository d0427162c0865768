"""Pictures inside of a page."""

from __future__ import annotations

import base64
from pathlib import Path

import cv2

from mmbfbox.utils.images import DamagedImageError, fit, read_image

_LARGEST = 1600
_QUALITY = 82

KINDS = (
    (
        'detections.png',
        'Detections',
        'Above a score of 0.5, on images spread over those of the test.',
    ),
    (
        'worst_images.jpg',
        'Images with the most errors',
        'At half of the range of scores: missed faces red, false positives yellow, found faces green.',
    ),
)
"""What ``tools/test.py --pictures`` writes: name, title, and what it shows."""


def pictures_of(folder: Path | None) -> list[dict[str, str]]:
    """Title, note and data of each sheet that a folder of pictures holds; damaged ones are left out."""
    found = []
    for name, title, note in KINDS if folder else ():
        path = folder / name  # type: ignore[operator]
        if path.is_file():
            try:
                found.append(dict(title=title, note=note, source=_embedded(path)))
            except DamagedImageError:
                continue
    return found


def _embedded(path: Path) -> str:
    picture = read_image(path)
    height, width = picture.shape[:2]
    if max(height, width) > _LARGEST:
        picture = fit(picture, _LARGEST, _LARGEST)[0]
    _, data = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return 'data:image/jpeg;base64,' + base64.b64encode(data.tobytes()).decode()
