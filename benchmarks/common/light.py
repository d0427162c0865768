"""The light families: what their searches may take, and their baselines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmdet.registry import MODELS

from mmbfbox.models import cost_table
from mmbfbox.search.constraints import Constraints
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
        constraints: what its search allows, multiply-adds at VGA.
        costs: of all its archs, at VGA.
        samples: how many random archs stand for all of them.
    """

    supernet: dict[str, Any]
    baseline: dict[str, Any]
    constraints: Constraints
    costs: CostTable
    samples: int

    @property
    def limit(self) -> float:
        """The most multiply-adds at VGA."""
        return self.constraints.bounds['detector_macs']['max']

    def sampled(self) -> list[Arch]:
        """The random archs, the cheapest first."""
        space = self.costs.space
        return sorted((space.sample(0, index) for index in range(self.samples)), key=self.macs)

    def allowed(self) -> list[Arch]:
        """Those of the random archs that the search allows, the cheapest first."""
        return [arch for arch in self.sampled() if not self._broken(arch)]

    def _broken(self, arch: Arch) -> str | None:
        whole = self.costs.detector(arch)
        return self.constraints.broken({'detector_macs': whole.macs, 'params': whole.params})

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
    constraints = Constraints(search.search.constraints)
    costs = cost_table(supernet, (height, width))
    return Family(search.model, load_config(baseline).model, constraints, costs, samples)
