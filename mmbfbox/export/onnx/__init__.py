"""Detectors as ONNX files that readers without torch use."""

from mmbfbox.export.onnx.exporting import OnnxFile, export_onnx, read_detector
from mmbfbox.export.onnx.layouts import LAYOUTS
from mmbfbox.export.onnx.prepare import Prepared, prepare

__all__ = ['LAYOUTS', 'OnnxFile', 'Prepared', 'export_onnx', 'prepare', 'read_detector']
