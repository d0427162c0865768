"""A first look at a trained supernet: the scores of a few fixed and random subnets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmdet.registry import MODELS
from mmengine import Config
from mmengine.registry import init_default_scope
from torch import Tensor

from mmbfbox.artifacts.supernet_check import CheckedSubnet, SupernetCheck
from mmbfbox.engine.shrinking import space_left
from mmbfbox.models import cost_table, space_of
from mmbfbox.search.report.summary import SUBSETS, percent, readable
from mmbfbox.search.scoring.reference import ReferenceScorer
from mmbfbox.space import Arch, CostTable, FpnSpace, JointSpace, Merge
from mmbfbox.space.draw import seed_of
from mmbfbox.space.fpn import Merges
from mmbfbox.utils.quiet import build_quietly


def check_supernet(
    config: Config,
    weights: Mapping[str, Tensor],
    device: str = 'cpu',
    meta: Mapping[str, Any] | None = None,
) -> SupernetCheck:
    """Score the cheapest and the most expensive subnet, and a few random ones.

    They are scored as a search scores candidates: with batch norm recalibrated, on the held-out images.
    Subnets that are all near zero say that the supernet has not learned yet; a search would not be
    worth its time.

    Args:
        config: config of the supernet, with ``supernet_check`` (keys ``random``, how many, and
            ``seed``), and the loaders of a search config.
        weights: state dict of the supernet.
        device: where to compute.
        meta: notes of its checkpoint; random subnets have choices that training has not dropped.

    Returns:
        What ``supernet_check.json`` holds.

    Raises:
        UserError: the config lacks a key, or the supernet has diverged.
    """
    settings = config.supernet_check
    config = Config(config.to_dict())
    config.setdefault('held_out_evaluator', dict(type='WiderFaceMetric'))
    init_default_scope(config.get('default_scope', 'mmdet'))
    model = build_quietly(lambda: MODELS.build(config.model))
    space, costs = space_left(space_of(model), meta or {}), cost_table(model, (224, 224))
    scorer = ReferenceScorer(config, dict(weights), device)
    rows = []
    for name, arch in _subnets(space, costs, settings.get('random', 3), settings.get('seed', 0)):
        macs = costs.backbone(arch.stages).macs
        scores = scorer.score(arch)
        rows.append(CheckedSubnet(name, str(arch), scores, macs))
    return SupernetCheck(tuple(rows))


def check_table(check: SupernetCheck) -> str:
    """The subnets as a Markdown table."""
    lines = ['| subnet | easy | medium | hard | backbone MACs |', '|---|---|---|---|---|']
    for subnet in check.subnets:
        scores = ' | '.join(percent(subnet.scores[name]) for name in SUBSETS)
        lines.append(f'| {subnet.name} | {scores} | {readable(subnet.backbone_macs)} |')
    return '\n'.join(lines)


def _subnets(space: JointSpace, costs: CostTable, random: int, seed: int) -> list[tuple[str, Arch]]:
    cheapest, costliest = costs.extremes()
    merges = top_down(space.fpn)
    fixed = [('cheapest', Arch(cheapest, merges)), ('most expensive', Arch(costliest, merges))]
    own = seed_of('checkup', seed)
    return fixed + [(f'random {index}', space.sample(own, index)) for index in range(random)]


def top_down(space: FpnSpace) -> Merges:
    """The merges of a plain FPN: each level takes the next coarser one, merged if it is."""
    merges = []
    for level in reversed(space.targets):
        if level + 1 in space.targets:
            source = f'p{level + 1}'
        else:
            coarser = [other for other in space.levels if other > level]
            source = f'c{min(coarser)}' if coarser else f'c{space.levels[-2]}'
        merges.append(Merge(level, source))
    return tuple(merges)
