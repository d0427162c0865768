"""The light families: what their searches may take, and their baselines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmdet.registry import MODELS

from mmbfbox.models import cost_table
from mmbfbox.space import Arch, CostTable
from mmbfbox.utils.config import configs_dir, load_config
from mmbfbox.utils.without_storage import without_storage

CLASSES = ('0.5g', '2.5g', '10g', '34g')


@dataclass(frozen=True)
class Family:
    """A class of detectors.

    Attributes:
        supernet: model config of its supernet.
        baseline: model config of its ResNet.
        limit: multiply-adds at VGA that its search allows.
        costs: of all its archs, at VGA.
        samples: how many random archs stand for all of them.
    """

    supernet: dict[str, Any]
    baseline: dict[str, Any]
    limit: float
    costs: CostTable
    samples: int

    def allowed(self) -> list[Arch]:
        """Those of the random archs that the search allows, the cheapest first."""
        space = self.costs.space
        sampled = (space.sample(0, index) for index in range(self.samples))
        within = [arch for arch in sampled if self.macs(arch) <= self.limit]
        return sorted(within, key=self.macs)

    def macs(self, arch: Arch) -> int:
        """Multiply-adds of a detector at VGA."""
        return self.costs.detector(arch).macs


def family(name: str, samples: int = 2001) -> Family:
    """The family of a class."""
    folder = Path(f'light/{name}')
    search = load_config(folder / f'bfbox_search_light-{name}_wider_face')
    (baseline,) = (configs_dir() / folder).glob('retinanet_*_wider_face.py')
    with without_storage():
        supernet = MODELS.build(search.model)
    height, width = search.search.size
    limit = search.search.constraints.detector_macs.max
    costs = cost_table(supernet, (height, width))
    return Family(search.model, load_config(baseline).model, limit, costs, samples)
