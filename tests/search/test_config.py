"""The paper's searches: each is a config whose frozen parts fit its supernet."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmbfbox.search.samplers import EvolutionSampler, build_sampler
from mmbfbox.search.settings import NEEDED, OPTIONAL
from mmbfbox.space import BackboneSpace, FpnSpace, JointSpace, freeze
from mmbfbox.utils.config import configs_dir, load_config

NAMES = sorted(
    path.relative_to(configs_dir()).with_suffix('').as_posix()
    for path in configs_dir().rglob('bfbox_search_*.py')
)
MERGES = ['p6 = c6 + c7', 'p5 = c5 + p6', 'p4 = c4 + p5', 'p3 = c3 + p4', 'p2 = c2 + p3']


def space_of_config(config) -> JointSpace:
    backbone, neck = dict(config.model.backbone), dict(config.model.neck)
    keys = BackboneSpace.__dataclass_fields__
    backbone = BackboneSpace(**{key: value for key, value in backbone.items() if key in keys})
    targets = neck.get('targets', FpnSpace.targets)
    return JointSpace(backbone, FpnSpace(backbone.levels, tuple(targets)))


@pytest.mark.parametrize('name', NAMES)
def test_every_search_config_is_complete_and_leaves_something_to_search(
    name, tmp_path, monkeypatch
):
    config = load_config(name)
    assert set(NEEDED) <= set(config.search) <= {*NEEDED, *OPTIONAL}
    assert load_config(config.final_config).train_dataloader
    space = space_of_config(config)
    monkeypatch.chdir(tmp_path)
    settings = config.search.get('freeze') or {}
    if isinstance(settings.get('backbone'), str):
        path = Path(settings['backbone'])
        path.parent.mkdir(parents=True)
        path.write_text(space.to_json(space.sample(1, 1)))
    frozen = freeze(space, settings)
    assert frozen.count >= 15120
    archs = [frozen.sample(0, index) for index in range(4)]
    one_backbone = 'backbone' in settings or space.backbone.count == 1
    assert len({arch.stages for arch in archs}) == (1 if one_backbone else 4)
    assert len({arch.merges for arch in archs}) == (1 if 'fpn' in settings else 4)


def test_the_papers_ways_to_search_are_what_their_names_say():
    assert load_config('paper/table7/bfbox_search_two-step_wider_face').model.neck.attention is None
    assert (
        load_config('paper/table7/bfbox_supernet_two-step_wider_face').model.neck.attention is None
    )
    assert (
        load_config('paper/bfbox_search_wider_face').model.neck.get('attention', 'spatial')
        == 'spatial'
    )
    for name in ('table7/bfbox_search_backbone', 'table5/bfbox_search_icb4'):
        assert load_config(f'paper/{name}_wider_face').search['freeze']['fpn'] == MERGES
    config = load_config('paper/table8/bfbox_search_evolution_wider_face')
    sampler = build_sampler(config.search.sampler, space_of_config(config), 0, 'hard')
    assert isinstance(sampler, EvolutionSampler)
    published = (sampler.population, sampler.top, sampler.mutation, config.search.candidates)
    assert published == (50, 10, 0.1, 20 * 50)


def test_constraints_are_set_on_the_command_line_as_the_readme_shows():
    options = {'search.constraints.backbone_macs.max': 4.1e9}
    assert load_config('paper/bfbox_search_wider_face', options).search.constraints == dict(
        backbone_macs=dict(max=4.1e9)
    )
