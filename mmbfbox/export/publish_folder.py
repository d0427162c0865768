"""A folder with all that others need of a detector: card, config, weights and graphs."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine import Config

from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.engine.checkpoint.loading import SAFETENSORS_META
from mmbfbox.errors import UserError
from mmbfbox.export.onnx.exporting import OnnxFile, export_onnx, paddings_of, read_detector
from mmbfbox.export.onnx.pictures import read_canvases
from mmbfbox.export.onnx.quantise import PICTURES, quantise
from mmbfbox.export.publish import Publication, gather
from mmbfbox.utils.files import atomic_write

SUMS = 'sha256sums'


@dataclass(frozen=True)
class PublishedFolder:
    """What was written.

    Attributes:
        folder: the folder.
        files: names of the files in it.
        publication: weights, config and notes.
    """

    folder: Path
    files: list[str]
    publication: Publication


def publish_folder(
    checkpoint: str | Path,
    out: str | Path,
    config: Config | None = None,
    metrics: Metrics | None = None,
    name: str | None = None,
    kind: str | None = None,
    licence: str = 'not stated',
    int8: str | Path | None = None,
    size: int = 640,
) -> PublishedFolder:
    """Write card, config, weights as ``.safetensors`` and ``.pth``, ``model.onnx`` and hashes.

    All is made before the first file is written.

    Args:
        checkpoint, config, metrics, kind: see :func:`~mmbfbox.export.publish.publish`.
        out: the folder; it is created.
        name: of the detector. Defaults to that of the config, else of the checkpoint.
        licence: of the weights.
        int8: folder with training pictures; adds ``model.int8.onnx``.
        size: longer side of these pictures in pixels.

    Raises:
        UserError: as :func:`~mmbfbox.export.publish.publish`; or the detector cannot be exported as ONNX.
    """
    try:
        from safetensors.torch import save
    except ImportError as error:
        raise UserError('safetensors is not installed; pip install safetensors') from error
    publication = gather(checkpoint, config, metrics, kind)
    name = name or Path(publication.config.filename or checkpoint).stem
    detector = read_detector(checkpoint, publication.config, kind)
    divisor, mean = paddings_of(detector)
    canvases = read_canvases(int8, PICTURES, size, divisor, mean) if int8 else []
    exported = export_onnx(detector, licence=licence, name=name, images=canvases[:4])
    state = {key: tensor.contiguous() for key, tensor in publication.state.items()}
    notes = {'format': 'pt', SAFETENSORS_META: json.dumps(publication.meta.to_meta())}
    contents = {
        'README.md': model_card(name, publication, exported, licence, bool(int8)).encode(),
        'config.py': publication.meta.cfg.encode(),
        'weights.safetensors': save(state, notes),
        'weights.pth': publication.to_pth(),
        'model.onnx': exported.model.SerializeToString(deterministic=True),
    }
    if int8:
        quantised = quantise(exported, canvases)
        contents['model.int8.onnx'] = quantised.SerializeToString(deterministic=True)
    # As sha256sum writes them, so that `sha256sum -c sha256sums` checks the folder.
    sums = [f'{hashlib.sha256(text).hexdigest()}  {file}\n' for file, text in contents.items()]
    contents[SUMS] = ''.join(sums).encode()
    folder = Path(out)
    for file, content in contents.items():
        with atomic_write(folder / file) as path:
            path.write_bytes(content)
    return PublishedFolder(folder, list(contents), publication)


def model_card(
    name: str, publication: Publication, exported: OnnxFile, licence: str, int8: bool
) -> str:
    """The README of a published detector, in Markdown."""
    meta, graph = publication.meta, exported.meta
    parameters = sum(
        tensor.numel() for tensor in publication.state.values() if tensor.is_floating_point()
    )
    model = publication.config.model
    lines = [
        f'# {name}',
        '',
        'A face detector of mmbfbox: BFBox (CVPR 2020) on MMDetection.',
        '',
        '| | |',
        '|---|---|',
        f'| backbone, neck, head | {_kinds(model)} |',
        f'| parameters | {parameters / 1e6:.2f} million |',
        f'| strides | {", ".join(map(str, graph.strides))} |',
        f'| weights | {meta.weights or "as trained"}, SHA-256 `{meta.sha256}` |',
        f'| licence of the weights | {licence} |',
        '',
        *_results(meta.metric, meta.settings),
        '## Use',
        '',
        'On a CPU without torch:',
        '',
        '    from mmbfbox.deploy import FaceDetector',
        "    faces = FaceDetector('model.onnx')('picture.jpg')",
        '',
        "With MMDetection (`import mmbfbox.models` is in the config's `custom_imports`):",
        '',
        '    from mmdet.apis import DetInferencer',
        "    DetInferencer('config.py', 'weights.pth')('picture.jpg')",
        '',
        '## Files',
        '',
        '| file | what |',
        '|---|---|',
        '| `config.py` | config for MMDetection |',
        '| `weights.safetensors`, `weights.pth` | the same weights in two forms |',
        f'| `model.onnx` | float32; {exported.parity} from the detector in torch |',
        *(['| `model.int8.onnx` | the same with convolutions in eight bits |'] if int8 else []),
        f'| `{SUMS}` | hashes of these files, for `sha256sum -c {SUMS}` |',
        '',
        '`model.onnx` takes `image` (N, 3, H, W), float32 BGR from 0 to 255; H and W are multiples of '
        f'{graph.strides[-1]}, what is missing is filled up with the colour '
        f'{", ".join(f"{value:g}" for value in graph.mean)} to the right and below. For each stride s it '
        f'gives `score_s` (N, {graph.anchors}, H/s, W/s) and `bbox_s` (N, {4 * graph.anchors}, H/s, W/s): '
        'distances to the left, upper, right and lower side in strides from the centre of the cell '
        f'((i + 0.5) s). Take scores above {graph.score_threshold:g} and suppress by IoU {graph.nms_iou:g}.',
        '',
    ]
    if meta.arch:
        lines += ['## Architecture', '', *(f'    {line}' for line in meta.arch.splitlines()), '']
    return '\n'.join(lines)


def _kinds(model: Mapping[str, Any]) -> str:
    """The classes of a detector's parts."""
    names = []
    for part in ('backbone', 'neck', 'bbox_head'):
        configs = model.get(part) or []
        for config in configs if isinstance(configs, (list, tuple)) else [configs]:
            names.append(f'`{config["type"]}`')
    return ', '.join(names)


def _results(scores: Mapping[str, float], settings: Mapping[str, object] | None) -> list[str]:
    """What a test of these weights found, as a table."""
    if not scores:
        return ['No test of these weights is noted.', '']
    rows = [
        f'| {name} | {"-" if math.isnan(value) else f"{value:.4f}"} |'
        for name, value in scores.items()
    ]
    tested = f'Tested at {settings["scheme"]}.' if settings and settings.get('scheme') else ''
    return ['| result | |', '|---|---|', *rows, '', *([tested, ''] if tested else [])]
