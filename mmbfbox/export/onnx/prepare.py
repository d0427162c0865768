"""A detector as an ONNX graph for any batch, height and width."""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import onnx
import torch
from torch import Tensor, nn

from mmbfbox.errors import UserError
from mmbfbox.export.onnx.fixed_shapes import FixedShapes
from mmbfbox.export.onnx.graph import check_operators, simplify, strip
from mmbfbox.export.onnx.layouts import LAYOUTS, Layout
from mmbfbox.export.onnx.levels import HeadGeometry
from mmbfbox.export.onnx.normalisation import Normalisation

OPSET = 17
"""The newest one that OpenCV's reader knows well; later ones bring nothing that is needed here."""
INPUT = 'image'


@dataclass(frozen=True)
class Prepared:
    """A graph and what its readers have to know.

    Attributes:
        model: the graph, without metadata.
        layout: form of the outputs.
        strides: of the levels that it tells.
        anchors: boxes a cell.
        normalisation: of BGR images; part of the graph.
    """

    model: onnx.ModelProto
    layout: Layout
    strides: tuple[int, ...]
    anchors: int
    normalisation: Normalisation

    @property
    def divisor(self) -> int:
        """Height and width of an image have to be multiples of it."""
        return self.strides[-1]


class _Traced(nn.Module):
    """Image to the outputs of a layout; every size in it is a constant or a factor."""

    def __init__(
        self, detector: nn.Module, layout: Layout, geometry: HeadGeometry, strides: Sequence[int]
    ) -> None:
        super().__init__()
        self.detector: Any = detector
        self.layout = layout
        self.geometry = geometry
        self.strides = tuple(strides)
        self.normalisation = layout.normalisation(Normalisation.of_detector(detector))

    def forward(self, image: Tensor) -> list[Tensor]:
        """The outputs for ``(1, 3, H, W)``."""
        own, detector = self.normalisation, cast(Any, self.detector)
        centred = image - own.mean.reshape(3, 1, 1)
        with FixedShapes(centred, own.order, 1 / own.std):
            found = detector.bbox_head(detector.extract_feat(centred))
            levels = self.geometry.levels(found)
            return self.layout.outputs([lv for lv in levels if lv.stride in self.strides])


def prepare(
    detector: nn.Module, layout: str = 'levels', strides: Sequence[int] | None = None
) -> Prepared:
    """The graph of a detector, in a second or so.

    Mean, standard deviation and order of the channels are part of it. Batch, height and width are free;
    the latter have to be multiples of the largest stride.

    Args:
        detector: a single-stage detector with an anchor head; it is not changed. Of a supernet, the
            active path.
        layout: a name in :data:`~mmbfbox.export.onnx.layouts.LAYOUTS`.
        strides: the levels to tell. Defaults to all.

    Raises:
        UserError: the head is of another kind, the layout does not know such levels, or a module asks
            for shapes in a way that is not known.
    """
    if layout not in LAYOUTS:
        raise UserError(f'the layout is {layout!r}; take one of {", ".join(LAYOUTS)}')
    form, geometry = LAYOUTS[layout], HeadGeometry.of_detector(detector)
    chosen = tuple(strides or geometry.strides)
    if not set(chosen) <= set(geometry.strides) or list(chosen) != sorted(set(chosen)):
        raise UserError(
            f'the strides are {list(chosen)}; choose among those of the detector, in order: '
            f'{", ".join(map(str, geometry.strides))}'
        )
    form.check(chosen, geometry.anchors_a_cell)
    own: Any = copy.deepcopy(detector).cpu().float().eval()
    side = 2 * max(geometry.strides)
    model = _trace(_Traced(own, form, geometry, chosen), form.names(chosen), side)
    return Prepared(model, form, chosen, geometry.anchors_a_cell, Normalisation.of_detector(own))


def _trace(module: nn.Module, names: Sequence[str], side: int) -> onnx.ModelProto:
    """Trace with one square image. The size is not in the graph, so a small one will do."""
    free = {0: 'batch', 2: 'height', 3: 'width'}
    buffer: Any = io.BytesIO()  # which the exporter takes, though its types say a path
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter('ignore')  # of the tracer, of numbers that it takes for constants
        torch.onnx.export(
            module,
            (torch.zeros(1, 3, side, side),),
            cast(Any, buffer),
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=list(names),
            dynamic_axes={INPUT: free, **{name: {0: 'batch'} for name in names}},
        )
    model = onnx.load_model_from_string(buffer.getvalue())
    simplify(model)
    strip(model)
    check_operators(model)
    return model
