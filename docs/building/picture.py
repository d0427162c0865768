"""The README's picture: the packaged detector on two photographs that come with other packages.

    python docs/building/picture.py

Both are in the public domain: astronaut E. Collins (NASA, in scikit-image) and Rear Admiral G. Hopper (US
Navy, in matplotlib).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import cv2
import matplotlib
import numpy as np
import skimage

from mmbfbox.deploy import FaceDetector

OUT = Path(__file__).resolve().parents[1] / 'images' / 'faces.jpg'
PICTURES = (
    Path(skimage.__file__).parent / 'data' / 'astronaut.png',
    Path(matplotlib.get_data_path()) / 'sample_data' / 'grace_hopper.jpg',
)
HEIGHT = 360


def main() -> None:
    """Write the picture."""
    argparse.ArgumentParser(description=(__doc__ or '').partition('\n')[0]).parse_args()
    detector = FaceDetector()
    found = []
    for path in PICTURES:
        picture = detector(str(path)).draw(thickness=2)
        width = round(picture.shape[1] * HEIGHT / picture.shape[0])
        found.append(cv2.resize(picture, (width, HEIGHT), interpolation=cv2.INTER_AREA))
    cv2.imwrite(str(OUT), np.hstack(found), [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == '__main__':
    main()
