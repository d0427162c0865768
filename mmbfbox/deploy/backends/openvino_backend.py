"""Networks in OpenVINO, from ONNX files or its own."""

from __future__ import annotations

import queue
from pathlib import Path
from typing import Any

from mmbfbox.deploy.backends import Floats
from mmbfbox.errors import UserError

_HINTS = {'fp32': 'f32', 'bf16': 'bf16', 'int8': 'f32'}


class OpenvinoBackend:
    """See :class:`~mmbfbox.deploy.backends.Backend` and :func:`~mmbfbox.deploy.backends.load_backend`."""

    def __init__(self, path: Path, device: str, threads: int, precision: str) -> None:
        try:
            import openvino
        except ImportError as error:
            other = 'precision="fp32"' if precision == 'bf16' else 'backend="onnx"'
            raise UserError(
                f'OpenVINO is not installed; pip install "mmbfbox[openvino]", or take {other}'
            ) from error
        core = openvino.Core()
        kind = device.upper()
        if kind.partition('.')[0] not in {
            name.partition('.')[0] for name in core.available_devices
        }:
            raise UserError(
                f'device is {device!r}, and OpenVINO finds {", ".join(core.available_devices)}; take one '
                f'of these'
            )
        # Left to itself it computes in bf16 where the CPU can, with other boxes.
        settings: dict[str, Any] = {
            'INFERENCE_PRECISION_HINT': _HINTS[precision],
            'PERFORMANCE_HINT': 'LATENCY',
        }
        if kind == 'CPU':
            # Cores are the system's to choose: in a container several processes would take the first.
            settings.update(INFERENCE_NUM_THREADS=threads, ENABLE_CPU_PINNING=False)
        try:
            model = core.read_model(path)
            self.metadata = _metadata(model)
            self._compiled = core.compile_model(model, kind, settings)
        except RuntimeError as error:
            why = str(error).strip().splitlines()[-1].strip()
            raise UserError(
                f'the model {path} cannot be loaded ({why}); fetch or export it again'
            ) from error
        self.outputs = tuple(output.get_any_name() for output in self._compiled.outputs)
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def run(self, images: Floats) -> dict[str, Floats]:
        """Outputs of a batch."""
        # A request holds the values of one run, so each thread needs its own.
        try:
            request = self._idle.get_nowait()
        except queue.Empty:
            request = self._compiled.create_infer_request()
        try:
            request.infer([images])
            return {name: request.get_tensor(name).data.copy() for name in self.outputs}
        finally:
            self._idle.put(request)


def _metadata(model: Any) -> dict[str, str]:
    """Metadata of the ONNX file, which OpenVINO keeps in its own files, too."""
    try:
        entries = model.get_rt_info(['framework']).value
    except RuntimeError:  # there are none
        return {}
    return {str(key): str(getattr(value, 'value', value)) for key, value in dict(entries).items()}
