"""Whether an exported file says what the detector says."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mmbfbox.errors import UserError
from mmbfbox.export.onnx.prepare import INPUT, Prepared
from mmbfbox.export.onnx.sessions import Run, onnx_run

Array = NDArray[Any]

SCORE = 1e-5
"""Most that a score may differ by."""
PIXELS = 1e-3
"""Most that a side of a box may differ by, in pixels, if the box is small."""
OF_SIZE = 1e-5
"""The same for a large box, as a part of its longer side: float32 has no more digits."""


@dataclass(frozen=True)
class Parity:
    """The largest differences that were seen.

    Attributes:
        score: of a score.
        pixels: of a side of a box, in pixels.
        excess: of a side of a box, as a multiple of what it may differ by.
        images: how many images were compared.
    """

    score: float
    pixels: float
    excess: float
    images: int

    @property
    def holds(self) -> bool:
        """Whether they are as small as those of the last bits; NaN is not."""
        return self.score <= SCORE and self.excess <= 1

    def __str__(self) -> str:
        return f'scores differ by {self.score:.1e}, boxes by {self.pixels:.1e} px'


def random_batches(divisor: int, seed: int = 0) -> list[Array]:
    """Batches of one, three and two images of different sizes: noise, coarse and fine.

    The graph was traced with one square image, so a size or a batch that it has kept shows.
    """
    generator = np.random.default_rng(seed)
    batches = []
    for images, rows, columns, grain in ((1, 1, 3, 16), (3, 2, 1, 4), (2, 1, 2, 1)):
        height, width = rows * divisor, columns * divisor
        coarse = generator.integers(0, 256, (images, 3, height // grain, width // grain))
        batches.append(coarse.repeat(grain, 2).repeat(grain, 3).astype(np.float32))
    return batches


def compare(detector: nn.Module, prepared: Prepared, run: Run, batches: Sequence[Array]) -> Parity:
    """Compare a detector with a running file, place by place, before any box is suppressed.

    Args:
        detector: the detector; its own preprocessor, anchors and coder say what is expected.
        prepared: what the file was made from.
        run: runs the file: inputs by name to outputs by name.
        batches: BGR images ``(N, 3, H, W)`` from 0 to 255, in multiples of ``prepared.divisor``.
    """
    expected = [expected_boxes(detector, batch, prepared.strides) for batch in batches]
    return compare_boxes(expected, prepared, run, batches)


def compare_boxes(
    expected: Sequence[tuple[Array, Array]], prepared: Prepared, run: Run, batches: Sequence[Array]
) -> Parity:
    """Compare what :func:`expected_boxes` gives for each batch with a running file; see :func:`compare`."""
    score, pixels, excess = [0.0], [0.0], [0.0]
    for batch, (scores, boxes) in zip(batches, expected, strict=True):
        outputs = run({INPUT: prepared.layout.image(batch)})
        size = batch.shape[2], batch.shape[3]
        found = prepared.layout.boxes(outputs, prepared.strides, size)
        if found[1].shape != boxes.shape:
            return Parity(float('nan'), float('nan'), float('nan'), len(batch))
        sides = (boxes[..., 2:] - boxes[..., :2]).max(-1, keepdims=True)
        difference = np.abs(found[1] - boxes)
        score.append(np.abs(found[0] - scores).max())
        pixels.append(difference.max())
        excess.append((difference / np.maximum(PIXELS, OF_SIZE * sides)).max())
    # NumPy's maximum, because Python's may lose NaN.
    worst = [float(np.max(values)) for values in (score, pixels, excess)]
    return Parity(worst[0], worst[1], worst[2], sum(map(len, batches)))


def check_parity(
    detector: nn.Module, prepared: Prepared, model: onnx.ModelProto, batches: Sequence[Array]
) -> Parity:
    """Compare a detector with a file in onnxruntime.

    Raises:
        UserError: they do not agree.
    """
    try:
        parity = compare(detector, prepared, onnx_run(model), batches)
        problem = '' if parity.holds else f'{parity}; expected at most {SCORE} and {PIXELS} px'
    except UserError:
        raise
    except Exception as error:  # onnxruntime has errors of many kinds
        problem = f'it fails: {str(error).splitlines()[0]}'
    if problem:
        raise UserError(
            f'the exported file does not agree with the detector ({problem}), so it was not written; a '
            f'module of the detector depends on the size of the image or on the batch, or a level that '
            f'was left out is merged into others'
        )
    return parity


@torch.no_grad()
def expected_boxes(
    detector: nn.Module, batch: Array, strides: Sequence[int] | None = None
) -> tuple[Array, Array]:
    """All boxes of a detector, by its own parts.

    Args:
        detector: a single-stage detector with an anchor head.
        batch: BGR images ``(N, 3, H, W)`` from 0 to 255.
        strides: of the levels that count. Defaults to all.

    Returns:
        Scores ``(N, K)`` and boxes ``(N, K, 4)``, xyxy in pixels; the levels one after another, each row
        by row, each cell anchor by anchor.
    """
    parts: Any = detector.eval()
    device = next(detector.parameters()).device
    preprocessor = copy.copy(parts.data_preprocessor)
    preprocessor.pad_size_divisor = 1
    images = preprocessor({'inputs': list(torch.from_numpy(batch).to(device))})['inputs']
    found = parts.bbox_head(parts.extract_feat(images))
    generator, coder = parts.bbox_head.prior_generator, parts.bbox_head.bbox_coder
    sizes = [logits.shape[-2:] for logits in found[0]]
    anchors = generator.grid_priors(sizes, device=device)
    scores, boxes = [], []
    for stride, priors, logits, deltas, *factors in zip(
        generator.strides, anchors, *found, strict=True
    ):
        if strides is None or int(stride[0]) in strides:
            score = _rows(logits, 1).sigmoid()
            for factor in factors:
                score = score * _rows(factor, 1).sigmoid()
            scores.append(score[..., 0])
            rows = _rows(deltas, 4)
            decoded = coder.decode(priors.repeat(len(rows), 1), rows.reshape(-1, 4))
            boxes.append(decoded.reshape(rows.shape))
    return torch.cat(scores, 1).cpu().numpy(), torch.cat(boxes, 1).cpu().numpy()


def _rows(maps: Tensor, values: int) -> Tensor:
    return maps.permute(0, 2, 3, 1).reshape(len(maps), -1, values)
