"""Networks in onnxruntime."""

from __future__ import annotations

import contextlib
import ctypes
from pathlib import Path

import onnxruntime

from mmbfbox.deploy.backends import Floats
from mmbfbox.errors import UserError


class OnnxBackend:
    """See :class:`~mmbfbox.deploy.backends.Backend` and :func:`~mmbfbox.deploy.backends.load_backend`."""

    def __init__(self, path: Path, device: str, threads: int, precision: str) -> None:
        if precision == 'bf16':
            raise UserError(
                'onnxruntime does not compute in bf16 on a CPU; take backend="openvino" for that'
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # A pattern for each size would be kept; inputs have many.
        options.enable_mem_pattern = False
        # Threads that wait for work must not keep cores from others.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        options.add_session_config_entry('session.inter_op.allow_spinning', '0')
        providers = _providers(device)
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=providers)
        except Exception as error:  # a class for each kind of fault, none of them public
            why = str(error).splitlines()[0]
            raise UserError(
                f'the model {path} cannot be loaded ({why}); fetch or export it again'
            ) from error
        self.metadata = dict(self._session.get_modelmeta().custom_metadata_map)
        self.outputs = tuple(output.name for output in self._session.get_outputs())
        inputs = [entry.name for entry in self._session.get_inputs()]
        if len(inputs) != 1:
            raise UserError(f'the model {path} has the inputs {inputs}; expected one, the images')
        self._input = inputs[0]
        self._shape: tuple[int, ...] = ()
        self._shrinking = onnxruntime.RunOptions()
        if device == 'cpu':
            self._shrinking.add_run_config_entry('memory.enable_memory_arena_shrinkage', 'cpu:0')

    def run(self, images: Floats) -> dict[str, Floats]:
        """Outputs of a batch.

        Memory for another size than the one before is given back: what was used for a large picture would
        be held for good, and for many sizes it would grow.
        """
        other, self._shape = images.shape != self._shape, images.shape
        found = self._session.run(
            self.outputs, {self._input: images}, self._shrinking if other else None
        )
        if other:
            _trim()
        return dict(zip(self.outputs, found, strict=True))


def _providers(device: str) -> list[str | tuple[str, dict[str, str]]]:
    """onnxruntime's name of a device.

    Raises:
        UserError: it does not have it.
    """
    kind, _, number = device.partition(':')
    if kind == 'cpu' and not number:
        return ['CPUExecutionProvider']
    if kind != 'cuda' or (number and not number.isdigit()):
        raise UserError(f'device is {device!r}; onnxruntime takes "cpu", "cuda" or "cuda:1"')
    if 'CUDAExecutionProvider' not in onnxruntime.get_available_providers():
        raise UserError(
            f'device is {device!r}, and this onnxruntime knows no CUDA; install onnxruntime-gpu in its '
            f'place, or take device="cpu"'
        )
    return [('CUDAExecutionProvider', {'device_id': number or '0'})]


def _trim() -> None:
    """Give memory that is free back to the system, where the C library can (glibc)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
