"""All files of an export: ONNX, eight bits, and OpenVINO's form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine import Config

from mmbfbox.errors import UserError
from mmbfbox.export.onnx.average_precision import wider_ap
from mmbfbox.export.onnx.exporting import (
    OnnxFile,
    export_onnx,
    paddings_of,
    read_detector,
    write_model,
)
from mmbfbox.export.onnx.openvino_ir import write_openvino
from mmbfbox.export.onnx.pictures import read_canvases
from mmbfbox.export.onnx.quantise import PICTURES, quantise
from mmbfbox.export.onnx.sessions import onnx_run

COMPARED = 4
"""Real pictures that an export is compared on."""


@dataclass(frozen=True)
class WrittenFiles:
    """What an export wrote.

    Attributes:
        exported: the detector in float32.
        paths: the files.
        scores: AP as fractions by file (``'float32'``, ``'int8'``), if it was measured.
    """

    exported: OnnxFile
    paths: list[Path]
    scores: dict[str, dict[str, float]]


def write_onnx_files(
    checkpoint: str | Path,
    out: str | Path,
    config: Config | None = None,
    kind: str | None = None,
    layout: str = 'levels',
    strides: Sequence[int] | None = None,
    nms: bool = False,
    licence: str = 'not stated',
    name: str | None = None,
    images: str | Path | None = None,
    int8: str | Path | None = None,
    wider: str | Path | None = None,
    size: int = 640,
    openvino: bool = False,
) -> WrittenFiles:
    """Export a checkpoint.

    Everything is made and compared before the first file is written.

    Args:
        checkpoint, config, kind: see :func:`~mmbfbox.export.onnx.exporting.read_detector`.
        out: the ONNX file.
        layout, strides, nms, licence: see :func:`~mmbfbox.export.onnx.exporting.export_onnx`.
        name: of the detector. Defaults to the file's.
        images: folder with real pictures to compare on.
        int8: folder with training pictures, for ``<out>.int8.onnx``.
        wider: folder in WIDER FACE's layout, on which the AP of both files is measured.
        size: longer side of the pictures in pixels.
        openvino: whether to write ``<out>.xml`` and ``<out>.bin`` as well.

    Raises:
        UserError: a file is missing, the detector cannot be exported so, or the file would not agree.
    """
    if size < 1:
        raise UserError(f'the size is {size}; expected a number of pixels')
    if nms and (int8 or wider):
        raise UserError(
            'a file that suppresses boxes itself is not quantised; leave --nms or --int8 out'
        )
    out = Path(out)
    detector = read_detector(checkpoint, config, kind)
    divisor, mean = paddings_of(detector, strides)
    canvases = read_canvases(int8, PICTURES, size, divisor, mean) if int8 else []
    compared = (
        read_canvases(images, COMPARED, size, divisor, mean) if images else canvases[:COMPARED]
    )
    exported = export_onnx(detector, layout, strides, nms, licence, name or out.stem, compared)
    models = {out: exported.model}
    scores = {}
    if int8:
        models[out.with_suffix('.int8.onnx')] = quantised = quantise(exported, canvases)
        if wider:
            runs = dict(float32=onnx_run(exported.model), int8=onnx_run(quantised))
            scores = wider_ap(runs, exported.meta, wider, size)
    paths = [write_model(model, path) for path, model in models.items()]
    if openvino:
        xml = write_openvino(exported.model, out.with_suffix('.xml'))
        paths += [xml, xml.with_suffix('.bin')]
    return WrittenFiles(exported, paths, scores)
