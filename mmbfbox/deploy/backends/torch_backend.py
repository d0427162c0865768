"""Detectors in torch, from checkpoints: what they were trained as, for comparison and for GPUs."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np

from mmbfbox.artifacts.onnx_meta import OnnxMeta
from mmbfbox.deploy.backends import Floats
from mmbfbox.errors import UserError

try:
    import torch

    from mmbfbox.export.onnx.exporting import read_detector
    from mmbfbox.export.onnx.layouts import LAYOUTS
    from mmbfbox.export.onnx.levels import HeadGeometry
    from mmbfbox.export.onnx.normalisation import Normalisation
except ImportError as error:
    raise UserError(
        f'the back end torch is not installed ({error}); pip install "mmbfbox[train]", or export the model '
        f'to ONNX where it is'
    ) from error


class TorchBackend:
    """See :class:`~mmbfbox.deploy.backends.Backend` and :func:`~mmbfbox.deploy.backends.load_backend`.

    The number of torch's threads is one for the process and is set here.
    """

    def __init__(self, path: Path, device: str, threads: int, precision: str) -> None:
        if precision == 'int8':
            raise UserError('the back end torch has no int8; take an int8 ONNX file')
        try:
            self._device = torch.device(device)
            torch.zeros(1, device=self._device)
        except (RuntimeError, AssertionError) as error:
            why = str(error).splitlines()[0]
            raise UserError(
                f'device is {device!r}, which torch cannot use here ({why}); take device="cpu"'
            ) from error
        torch.set_num_threads(threads)
        self._half = precision == 'bf16'
        self._detector: Any = read_detector(path)
        self._geometry = HeadGeometry.of_detector(self._detector)
        head: Any = self._detector.bbox_head
        settings = head.test_cfg
        mean = Normalisation.of_detector(self._detector).mean
        self.metadata = OnnxMeta(
            layout='levels',
            strides=self._geometry.strides,
            anchors=self._geometry.anchors_a_cell,
            mean=tuple(round(value, 4) for value in mean.tolist()),
            score_threshold=float(settings.score_thr),
            nms_iou=float(settings.nms.iou_threshold),
            max_faces=int(settings.max_per_img),
            source='',
            name=path.stem,
        ).to_texts()
        self.outputs = tuple(LAYOUTS['levels'].names(self._geometry.strides))
        self._detector.to(self._device)

    def run(self, images: Floats) -> dict[str, Floats]:
        """Outputs of a batch."""
        detector, kind = self._detector, self._device.type
        half = torch.autocast(kind, torch.bfloat16) if self._half else contextlib.nullcontext()
        with torch.inference_mode():
            given = list(torch.from_numpy(images).to(self._device))
            batch = detector.data_preprocessor({'inputs': given})['inputs']
            with half:
                found = detector.bbox_head(detector.extract_feat(batch))
            # The geometry is computed on the CPU, in full precision.
            plain = [[values.float().cpu() for values in part] for part in found]
            outputs = LAYOUTS['levels'].outputs(self._geometry.levels(plain))
        arrays = (np.ascontiguousarray(values.numpy()) for values in outputs)
        return dict(zip(self.outputs, arrays, strict=True))
