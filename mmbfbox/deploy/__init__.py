"""Detecting faces anywhere: a published model, NumPy, OpenCV and a back end; neither torch nor mmcv."""

from mmbfbox.deploy.detector import FaceDetector
from mmbfbox.deploy.faces import Face, Faces

__all__ = ['Face', 'FaceDetector', 'Faces']
