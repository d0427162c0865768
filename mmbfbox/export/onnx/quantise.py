"""The convolutions of an exported detector in eight bits, after some pictures."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray

from mmbfbox.errors import UserError
from mmbfbox.export.onnx.exporting import OnnxFile
from mmbfbox.export.onnx.graph import strip
from mmbfbox.export.onnx.prepare import INPUT
from mmbfbox.utils.quiet import errors_only

PICTURES = 64
"""Pictures that the ranges are taken from; more of them do not help."""
LAST = 2
"""So many convolutions before each output stay in float32."""


def quantise(exported: OnnxFile, canvases: Sequence[NDArray[Any]]) -> onnx.ModelProto:
    """The same graph with quantised convolutions (static, QDQ).

    Filters are rounded channel by channel, activations between the means of the least and of the greatest
    values that the pictures bring about. The last convolutions and all that is no convolution stay in
    float32: there are the last bits of a box.

    Args:
        exported: the file to quantise.
        canvases: BGR images ``(1, 3, H, W)`` from 0 to 255, from the training set.

    Raises:
        UserError: onnxruntime is not installed.
    """
    try:
        from onnxruntime.quantization import (
            CalibrationDataReader,
            CalibrationMethod,
            QuantFormat,
            QuantType,
            quantize_static,
        )
    except ImportError as error:
        raise UserError('onnxruntime is not installed; pip install onnxruntime') from error

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.left: Iterator[NDArray[Any]] = iter(canvases)

        def get_next(self) -> dict[str, NDArray[Any]] | None:
            pixels = next(self.left, None)
            return None if pixels is None else {INPUT: exported.prepared.layout.image(pixels)}

    # The graph has been prepared already, which onnxruntime advises each time.
    with tempfile.TemporaryDirectory() as folder, errors_only():
        before, after = Path(folder) / 'float.onnx', Path(folder) / 'int8.onnx'
        before.write_bytes(exported.model.SerializeToString())
        quantize_static(
            before,
            after,
            Reader(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=['Conv'],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            nodes_to_exclude=last_convolutions(exported.model.graph),
            extra_options=dict(CalibMovingAverage=True),
        )
        model = onnx.load_model(after)
    strip(model)
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, exported.meta.to_texts())
    return model


def last_convolutions(graph: onnx.GraphProto, most: int = LAST) -> list[str]:
    """Names of the last convolutions before each output, ``most`` of a path.

    Logits and deltas are outputs of one convolution, so they would share a scale and the deltas would be
    rounded to steps of the logits; and what that convolution sees has no activation that bounds it.
    """
    last: list[str] = []
    ahead = {output.name: 0 for output in graph.output}  # convolutions to the nearest output
    for node in reversed(graph.node):
        own = min(ahead.get(name, most) for name in node.output) + (node.op_type == 'Conv')
        if node.op_type == 'Conv' and own <= most:
            last.append(node.name)
        for name in node.input:
            ahead[name] = min(own, ahead.get(name, own))
    return last
