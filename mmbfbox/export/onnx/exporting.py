"""Writing a detector as an ONNX file, if the file says what the detector says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import onnx
from mmdet.registry import MODELS
from mmengine import Config
from mmengine.registry import init_default_scope
from numpy.typing import NDArray
from torch import nn

from mmbfbox.artifacts.onnx_meta import OnnxMeta
from mmbfbox.engine.checkpoint.weights import digest, load_weights, read_weights
from mmbfbox.errors import UserError
from mmbfbox.export.onnx.in_graph_nms import check_nms, with_nms
from mmbfbox.export.onnx.levels import HeadGeometry
from mmbfbox.export.onnx.normalisation import Normalisation
from mmbfbox.export.onnx.parity import Parity, check_parity, random_batches
from mmbfbox.export.onnx.prepare import Prepared, prepare
from mmbfbox.utils.config import config_from_text
from mmbfbox.utils.files import atomic_write
from mmbfbox.utils.quiet import build_quietly
from mmbfbox.utils.text import read_text


@dataclass(frozen=True)
class OnnxFile:
    """An exported detector.

    Attributes:
        model: the file's content.
        meta: its metadata.
        prepared: the graph of the levels that it was made from.
        parity: how well it agrees with the detector.
    """

    model: onnx.ModelProto
    meta: OnnxMeta
    prepared: Prepared
    parity: Parity

    def write(self, path: str | Path) -> Path:
        """Write the file; see :func:`write_model`."""
        return write_model(self.model, path)


def write_model(model: onnx.ModelProto, path: str | Path) -> Path:
    """Write a graph, whole or not at all.

    Raises:
        UserError: the folder cannot be written to, or the disk is full.
    """
    with atomic_write(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))
    return Path(path)


def paddings_of(
    detector: nn.Module, strides: Sequence[int] | None = None
) -> tuple[int, tuple[float, ...]]:
    """Of which number height and width of an image are multiples, and the colour that fills it up.

    Args:
        detector: a detector.
        strides: of the levels that are exported. Defaults to all.

    Returns:
        The largest stride, and the mean (BGR, 0 to 255).
    """
    largest = max(strides or HeadGeometry.of_detector(detector).strides)
    return largest, _mean(Normalisation.of_detector(detector))


def read_detector(
    checkpoint: str | Path, config: Config | None = None, kind: str | None = None
) -> nn.Module:
    """A detector with its weights, ready to detect.

    Args:
        checkpoint: a checkpoint of ``tools/train.py``, of ``tools/export_subnet.py`` or a published one.
        config: its config. Defaults to the text in the checkpoint, else ``config.py`` beside it.
        kind: ``'raw'`` or ``'ema'`` weights; the average by default, where there is one.

    Raises:
        UserError: a file is missing or damaged, or the weights do not belong to the config.
    """
    weights = read_weights(checkpoint, kind)
    beside = Path(checkpoint).with_name('config.py')
    if config is None and isinstance(weights.meta.get('cfg'), str):
        config = config_from_text(weights.meta['cfg'], str(checkpoint))
    elif config is None and beside.is_file():
        config = config_from_text(read_text(beside), str(beside))
    if config is None or 'model' not in config:
        raise UserError(
            f'{checkpoint} holds no config of a model, and there is no config.py beside it; give the '
            f'config as --config'
        )
    init_default_scope('mmdet')
    detector: nn.Module = build_quietly(lambda: MODELS.build(config.model))
    load_weights(detector, weights.state, str(checkpoint))
    return detector.eval()


def export_onnx(
    detector: nn.Module,
    layout: str = 'levels',
    strides: Sequence[int] | None = None,
    nms: bool = False,
    licence: str = 'not stated',
    name: str = 'detector',
    images: Sequence[NDArray[Any]] = (),
) -> OnnxFile:
    """A detector as an ONNX file, checked against the detector itself.

    Args:
        detector: with its weights.
        layout: form of the outputs: ``'levels'``, ``'scrfd'`` or ``'yunet'``.
        strides: of the levels to tell. Defaults to all.
        nms: whether the file suppresses boxes itself; only for ``'levels'``.
        licence: of the weights.
        name: of the detector.
        images: batches of real images ``(N, 3, H, W)``, BGR from 0 to 255, to check it on beside random
            ones; height and width are multiples of the largest stride.

    Raises:
        UserError: the detector cannot be exported in this form, or the file would not say the same.
    """
    if nms and layout != 'levels':
        raise UserError(
            f'readers of the layout {layout} suppress boxes themselves; leave --nms out, or take the '
            f'layout levels'
        )
    prepared = prepare(detector, layout, strides)
    batches = [*random_batches(prepared.divisor), *images]
    parity = check_parity(detector, prepared, prepared.model, batches)
    meta = _meta(detector, prepared, licence, name)
    model = prepared.model
    if nms:
        model = with_nms(prepared, meta)
        check_nms(prepared, model, meta, batches[1])
        meta = replace(meta, layout='boxes')
    onnx.helper.set_model_props(model, meta.to_texts())
    return OnnxFile(model, meta, prepared, parity)


def _meta(detector: Any, prepared: Prepared, licence: str, name: str) -> OnnxMeta:
    settings = detector.bbox_head.test_cfg
    return OnnxMeta(
        layout=prepared.layout.name,
        strides=prepared.strides,
        anchors=prepared.anchors,
        mean=_mean(prepared.normalisation),
        score_threshold=float(settings.score_thr),
        nms_iou=float(settings.nms.iou_threshold),
        max_faces=int(settings.max_per_img),
        source=digest(detector.state_dict()),
        licence=licence,
        name=name,
    )


def _mean(normalisation: Normalisation) -> tuple[float, ...]:
    return tuple(round(value, 4) for value in normalisation.mean.tolist())
