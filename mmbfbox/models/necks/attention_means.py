"""How much of the added map each FPN level lets through: the mean of its attention."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from torch import Tensor, nn

from mmbfbox.models.necks.attention_fpn import EdgeGate, SpatialAttention


@dataclass
class AttentionMeans:
    """Sums of attention values, which stay on the device until they are asked for.

    Values lie between 0 and 1 for spatial attention, and between 0 and 2 for channel gates.
    """

    _totals: dict[str, Tensor] = field(default_factory=dict)
    _counts: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, level: str, attention: Tensor) -> None:
        """Note the attention ``(N, ...)`` of one forward pass; each image counts once."""
        images = attention.shape[0]
        total = attention.detach().float().mean() * images
        self._totals[level] = self._totals[level] + total if level in self._totals else total
        self._counts[level] += images

    def read(self) -> dict[str, float]:
        """``{'p2': mean, ...}``, and forget; waits for the device."""
        means = {level: float(self._totals[level]) / self._counts[level] for level in self._totals}
        self._totals.clear()
        self._counts.clear()
        return dict(sorted(means.items()))


@contextmanager
def attention_means(model: nn.Module) -> Iterator[AttentionMeans]:
    """Note the attention of every forward pass of ``model`` within the block.

    Args:
        model: a detector whose neck is an AttentionFPN; any other one gives no values.
    """
    means = AttentionMeans()
    handles = []
    for name, module in getattr(getattr(model, 'neck', None), 'attention', nn.ModuleDict()).items():
        if isinstance(module, (SpatialAttention, EdgeGate)):
            level = name.split('_')[0]

            def note(_: nn.Module, __: object, out: Tensor, level: str = level) -> None:
                means.add(level, out)

            handles.append(module.register_forward_hook(note))
    try:
        yield means
    finally:
        for handle in handles:
            handle.remove()
