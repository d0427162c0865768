"""Box voting: the boxes that several views found become one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmbfbox.errors import UserError

Floats = NDArray[np.float64]
SINGLETONS = ('keep', 'drop')


def vote_boxes(
    detections: Floats, iou_threshold: float, singletons: str = 'keep', limit: int = 750
) -> Floats:
    """Merge overlapping detections, best first, into the score-weighted mean of their boxes.

    The best detection and all that overlap it form a cluster, which leaves; so on with the rest. The
    merged score is the best of the cluster. Published testers of S3FD and DSFD drop clusters of one, so
    with a single view they drop nearly everything; MogFace keeps them.

    Args:
        detections: ``(N, 5)`` xyxy pixels and score.
        iou_threshold: least IoU with the best of the cluster; sides are x2 - x1.
        singletons: what becomes of a cluster of one, ``'keep'`` (unchanged) or ``'drop'``.
        limit: most detections returned.

    Returns:
        ``(M, 5)``, best first.

    Raises:
        UserError: ``singletons`` is neither.
    """
    if singletons not in SINGLETONS:
        raise UserError(f'singletons is {singletons!r}; set it to "keep" or "drop"')
    rest = detections[np.argsort(-detections[:, 4], kind='stable')].astype(np.float64)
    voted: list[Floats] = []
    while len(rest) and len(voted) < limit:
        together = _iou_with_first(rest) >= iou_threshold
        together[0] = True
        cluster, rest = rest[together], rest[~together]
        if len(cluster) == 1:
            if singletons == 'keep':
                voted.append(cluster[0])
            continue
        weights = cluster[:, 4]
        # Scores of 0 would leave no mean to take.
        weights = weights if weights.sum() > 0 else np.ones_like(weights)
        # Offsets from the best box: equal boxes stay equal to the last bit.
        offsets = (cluster[:, :4] - cluster[0, :4]) * weights[:, None]
        box = cluster[0, :4] + offsets.sum(0) / weights.sum()
        voted.append(np.append(box, cluster[0, 4]))
    return np.array(voted).reshape(-1, 5)


def _iou_with_first(boxes: Floats) -> Floats:
    """IoU of every box with the first."""
    corner = np.maximum(boxes[:, :2], boxes[0, :2])
    opposite = np.minimum(boxes[:, 2:4], boxes[0, 2:4])
    inter: Floats = np.maximum(opposite - corner, 0).prod(axis=1)
    areas = np.maximum(boxes[:, 2:4] - boxes[:, :2], 0).prod(axis=1)
    union = areas + areas[0] - inter
    return inter / np.maximum(union, np.finfo(np.float64).tiny)
