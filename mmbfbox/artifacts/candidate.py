"""A line of ``candidates*.jsonl``: an arch that a search has dealt with."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isnan, nan
from typing import Any, ClassVar

from mmbfbox.artifacts.lines import Line, read_arch
from mmbfbox.artifacts.numbers import from_json_numbers, to_json_numbers
from mmbfbox.space.arch import Arch


@dataclass(frozen=True)
class Candidate(Line):
    """An arch that a search has dealt with.

    Args:
        index: its number in the sampler's sequence.
        arch: the arch.
        scores: AP of ``easy``, ``medium`` and ``hard``, as fractions; with ``search.score`` also their
            ``mean``, and what :mod:`mmbfbox.evaluation.wider.noise` says of each. Of a stopped candidate
            those of the images that it has seen; empty if it failed. NaN where these images have no face
            that counts.
        backbone_macs: multiply-adds of the backbone at 224x224.
        detector_macs: multiply-adds of the detector at the size that was scored.
        params: parameters of the detector.
        seconds: time that scoring took.
        latency_ms: measured time of one image on the device of the search, if it was measured.
        parts: pairs of (images scored so far, AP so far by the search's metric), if the search prunes.
            NaN where these images have no face that counts.
        stopped: after how many images it was pruned.
        proxies: zero-cost scores, by name, if they were asked for.
        error: why it could not be scored, as one line.
    """

    KIND: ClassVar[str] = 'a scored candidate'

    index: int
    arch: Arch
    scores: dict[str, float]
    backbone_macs: int
    detector_macs: int
    params: int
    seconds: float
    latency_ms: float | None = None
    parts: tuple[tuple[int, float], ...] = ()
    stopped: int | None = None
    proxies: dict[str, float] = field(default_factory=dict)
    error: str | None = None

    @property
    def complete(self) -> bool:
        """Whether it was scored on all images."""
        return self.stopped is None and self.error is None

    @property
    def costs(self) -> dict[str, float]:
        """The costs that are known, by name."""
        names = ('backbone_macs', 'detector_macs', 'params', 'latency_ms')
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def to_plain(self) -> dict[str, Any]:
        """The fields without what is not known."""
        plain = {**super().to_plain(), 'arch': self.arch.to_dict()}
        plain['scores'] = to_json_numbers(self.scores)
        plain['parts'] = [(images, None if isnan(ap) else ap) for images, ap in self.parts]
        for name in ('parts', 'proxies'):
            if not plain[name]:
                del plain[name]
        return plain

    @classmethod
    def from_plain(cls, data: dict[str, Any]) -> Candidate:
        """With an arch."""
        parts = ((int(n), nan if ap is None else float(ap)) for n, ap in data.get('parts', ()))
        scores = from_json_numbers(data['scores'])
        arch = read_arch(data['arch'])
        return cls(**{**data, 'arch': arch, 'scores': scores, 'parts': tuple(parts)})
