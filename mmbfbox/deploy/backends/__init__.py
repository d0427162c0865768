"""Programs that run a network: each takes images and gives its outputs by name; nothing else differs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Backend(Protocol):
    """A network that can be run by several threads at once.

    Attributes:
        metadata: what the file says of itself, see :class:`~mmbfbox.artifacts.onnx_meta.OnnxMeta`.
        outputs: names of the outputs.
    """

    metadata: dict[str, str]
    outputs: tuple[str, ...]

    def run(self, images: Floats) -> Mapping[str, Floats]:
        """Outputs of a batch.

        Args:
            images: ``(N, 3, H, W)`` BGR from 0 to 255, sides in multiples of the largest stride.
        """


def load_backend(name: str, path: Path, device: str, threads: int, precision: str) -> Backend:
    """A model in a back end, which is imported only now.

    Args:
        name: ``'onnx'``, ``'openvino'`` or ``'torch'``.
        path: the model.
        device: ``'cpu'``, ``'cuda'``, ``'cuda:1'``; with OpenVINO also ``'gpu'`` and ``'npu'``.
        threads: how many it may use on the CPU.
        precision: ``'fp32'``, ``'bf16'`` or ``'int8'``; the last is a matter of the file.

    Raises:
        UserError: the back end is not installed, does not know the device or the precision, or cannot
            read the file.
    """
    if name == 'onnx':
        from mmbfbox.deploy.backends.onnx_backend import OnnxBackend

        return OnnxBackend(path, device, threads, precision)
    if name == 'openvino':
        from mmbfbox.deploy.backends.openvino_backend import OpenvinoBackend

        return OpenvinoBackend(path, device, threads, precision)
    from mmbfbox.deploy.backends.torch_backend import TorchBackend

    return TorchBackend(path, device, threads, precision)
