"""Decoding and suppression as a part of the graph, for programs that want boxes and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import torch
from mmcv.ops import batched_nms
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from mmbfbox.artifacts.onnx_meta import OnnxMeta
from mmbfbox.errors import UserError
from mmbfbox.export.onnx.parity import PIXELS, SCORE
from mmbfbox.export.onnx.prepare import INPUT, Prepared
from mmbfbox.export.onnx.sessions import onnx_run

OUTPUTS = ('boxes', 'scores', 'batch')
"""``(M, 4)`` xyxy in pixels, ``(M,)``, and the image of each ``(M,)``, all images' boxes in turn."""

Array = NDArray[Any]


class _Nodes:
    """Nodes that are appended to a graph, named after what they give."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.number = 0

    def add(self, operator: str, *inputs: str | Array, output: str = '', **attributes: Any) -> str:
        """Append a node; the name of its output. Arrays become constants."""
        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        output = output or self._name(operator)
        self.graph.node.append(
            helper.make_node(operator, names, [output], name=output, **attributes)
        )
        return output

    def constant(self, value: Array) -> str:
        name = self._name('constant')
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def _name(self, kind: str) -> str:
        self.number += 1
        return f'nms/{kind}_{self.number}'


def with_nms(prepared: Prepared, meta: OnnxMeta) -> onnx.ModelProto:
    """The graph of the layout ``levels``, with decoding and suppression behind it.

    Args:
        prepared: the graph.
        meta: gives the thresholds.

    Returns:
        A graph with :data:`OUTPUTS`. It has no shape operator either: columns and rows are counted by
        running sums over ones.
    """
    model = onnx.ModelProto()
    model.CopyFrom(prepared.model)
    nodes = _Nodes(model.graph)
    floats, numbers = _floats, _numbers
    scores: list[str] = []
    boxes: list[str] = []
    for stride in prepared.strides:
        score, distances = f'score_{stride}', f'bbox_{stride}'
        first = nodes.add('Slice', score, numbers(0), numbers(1), numbers(1))
        ones = nodes.add('Add', nodes.add('Mul', first, floats(0)), floats(1))
        x, y = (
            nodes.add('Sub', nodes.add('CumSum', ones, np.array(axis, np.int64)), floats(0.5))
            for axis in (3, 2)
        )
        centres = nodes.add('Concat', *[x, y, x, y] * prepared.anchors, axis=1)
        signs = np.tile(floats(-1, -1, 1, 1), prepared.anchors).reshape(1, -1, 1, 1)
        corners = nodes.add('Add', centres, nodes.add('Mul', distances, signs))
        pixels = nodes.add('Mul', corners, floats(stride))
        for maps, shape, rows in ((score, (0, 1, -1), scores), (pixels, (0, -1, 4), boxes)):
            places = nodes.add('Transpose', maps, perm=[0, 2, 3, 1])
            rows.append(nodes.add('Reshape', places, numbers(*shape)))
    all_scores = nodes.add('Concat', *scores, axis=2)
    all_boxes = nodes.add('Concat', *boxes, axis=1)
    chosen = nodes.add(
        'NonMaxSuppression',
        *(all_boxes, all_scores, numbers(meta.max_faces)),
        *(floats(meta.nms_iou), floats(meta.score_threshold)),
    )
    places = nodes.add('Gather', chosen, numbers(0, 2), axis=1)
    flat = nodes.add('Squeeze', all_scores, numbers(1))
    nodes.add('GatherND', all_boxes, places, output='boxes')
    nodes.add('GatherND', flat, places, output='scores')
    nodes.add('Gather', chosen, np.array(0, np.int64), output='batch', axis=1)
    del model.graph.output[:]
    outputs: tuple[tuple[str, int, tuple[str | int, ...]], ...] = (
        ('boxes', TensorProto.FLOAT, ('faces', 4)),
        ('scores', TensorProto.FLOAT, ('faces',)),
        ('batch', TensorProto.INT64, ('faces',)),
    )
    for output, kind, sizes in outputs:
        model.graph.output.append(helper.make_tensor_value_info(output, kind, sizes))
    return model


def check_nms(prepared: Prepared, model: onnx.ModelProto, meta: OnnxMeta, batch: Array) -> None:
    """Compare the boxes of a file with suppression with those that mmdet's own leaves.

    Raises:
        UserError: they do not agree.
    """
    found = onnx_run(model)({INPUT: batch})
    outputs = onnx_run(prepared.model)({INPUT: batch})
    size = batch.shape[2], batch.shape[3]
    for image, (scores, boxes) in enumerate(
        zip(
            *map(torch.from_numpy, prepared.layout.boxes(outputs, prepared.strides, size)),
            strict=True,
        )
    ):
        likely = scores > meta.score_threshold
        kept, _ = batched_nms(
            boxes[likely], scores[likely], torch.zeros(int(likely.sum())),
            dict(type='nms', iou_threshold=meta.nms_iou),
        )  # fmt: skip
        expected = kept[: meta.max_faces].numpy()
        mine = found['batch'] == image
        same = mine.sum() == len(expected) and (
            np.allclose(found['scores'][mine], expected[:, 4], rtol=0, atol=SCORE)
            and np.allclose(found['boxes'][mine], expected[:, :4], rtol=1e-6, atol=PIXELS)
        )
        if not same:
            raise UserError(
                f'the file suppresses other boxes than the detector ({mine.sum()} of them are left in '
                f'place of {len(expected)}), so it was not written; leave --nms out'
            )


def _floats(*values: float) -> Array:
    return np.array(values, np.float32)


def _numbers(*values: int) -> Array:
    return np.array(values, np.int64)
