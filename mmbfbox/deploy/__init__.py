"""Detecting faces anywhere: a published model, NumPy, OpenCV and one of three back ends; no torch, no mmcv."""

from mmbfbox.deploy.detector import FaceDetector
from mmbfbox.deploy.faces import Face, Faces

__all__ = ['Face', 'FaceDetector', 'Faces']
