"""Running an ONNX graph, on one thread unless another number is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import onnx
from numpy.typing import NDArray

from mmbfbox.errors import UserError

Run = Callable[[Mapping[str, NDArray[Any]]], dict[str, NDArray[Any]]]
"""Inputs by name to outputs by name."""


def onnx_run(model: onnx.ModelProto, threads: int = 1) -> Run:
    """A graph in onnxruntime, on the CPU.

    Raises:
        UserError: onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError('onnxruntime is not installed; pip install onnxruntime') from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=['CPUExecutionProvider']
    )
    names = [output.name for output in session.get_outputs()]

    def run(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return dict(zip(names, session.run(names, dict(inputs)), strict=True))

    return run


def openvino_run(model: onnx.ModelProto, threads: int = 1, precision: str = 'f32') -> Run:
    """A graph in OpenVINO, on the CPU.

    Args:
        model: the graph.
        threads: how many it may use.
        precision: ``'f32'``, or ``'bf16'``, which OpenVINO takes by itself where the CPU has it.

    Raises:
        UserError: OpenVINO is not installed.
    """
    try:
        import openvino
    except ImportError as error:
        raise UserError('openvino is not installed; pip install openvino') from error
    core = openvino.Core()
    settings = {
        'INFERENCE_NUM_THREADS': threads,
        'INFERENCE_PRECISION_HINT': precision,
        'PERFORMANCE_HINT': 'LATENCY',
    }
    compiled = core.compile_model(core.read_model(model.SerializeToString()), 'CPU', settings)
    names = [output.get_any_name() for output in compiled.outputs]

    def run(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        found = compiled(dict(inputs))
        return {name: found[name].copy() for name in names}

    return run
