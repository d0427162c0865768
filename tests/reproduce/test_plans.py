"""Every row of every table becomes steps at every scale, and rows share the steps they have in common."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope

from mmbfbox.errors import UserError
from mmbfbox.models import set_arch, space_of
from mmbfbox.reproduce.plan import Plan
from mmbfbox.reproduce.scales import SCALES, derive, median_macs
from mmbfbox.reproduce.tables import TABLES, rows_of
from mmbfbox.utils.config import load_config
from mmbfbox.utils.without_storage import without_storage


def plan_of(scale: str, folder: Path) -> Plan:
    """A plan that needs no data to be looked at."""
    return Plan(SCALES[scale], folder, None if scale == 'demo' else folder / 'wider')


@pytest.mark.parametrize('scale', SCALES)
def test_every_row_of_every_table_can_be_planned(scale, tmp_path):
    plan = plan_of(scale, tmp_path)
    for table, rows in TABLES.items():
        assert len({row.name for row in rows}) == len(rows), table
        for row in rows:
            test = plan.row(row, 3)
            assert test.tool == 'test' and len(test.reads) == 2
            assert set(row.paper) and all(value > 1 for value in row.paper.values())
    for step in plan.steps.values():
        for config in step.configs.values():
            assert config.randomness.seed == 3
            assert config.data_root == f'{plan.data_root}/'
            assert 'data/WIDERFace' not in str(config.to_dict())
        # What a step reads is written by itself or by one before it.
        made = {path for other in plan.steps.values() for path in (other.done, *other.files)}
        made |= {other.folder / 'export/01/config.py' for other in plan.steps.values()}
        assert set(step.reads) <= set(map(str, made))
        assert set(step.files.values()) == set(step.configs)
    assert not list(tmp_path.iterdir())


def test_tables_7_and_8_share_their_supernets_and_the_joint_search(tmp_path):
    plan = plan_of('demo', tmp_path)
    for table in ('table7', 'table8'):
        for seed in (0, 1):
            for row in TABLES[table]:
                plan.row(row, seed)
    tools = [step.tool for step in plan.steps.values()]
    counts = {tool: tools.count(tool) for tool in set(tools)}
    assert counts == dict(make_demo_data=1, train=2 * (2 + 4), search=2 * 5, test=2 * 4)
    intuitive = plan.steps['seed1/search_intuitive']
    settings = intuitive.configs['search_intuitive']
    assert settings.search['freeze'].backbone.endswith('seed1/search_backbone/best/01.json')
    assert settings.search.seed == 1
    assert plan.like['seed1/supernet'].custom_hooks[0]['seed'] == 1


def test_the_paper_scale_changes_nothing_but_seed_data_and_how_a_batch_is_shared():
    own = derive('supernet', SCALES['paper'], 'data/WIDERFace', 0, gpus=4)
    paper = load_config('paper/bfbox_supernet_wider_face')
    for key in ('model', 'train_cfg', 'optim_wrapper', 'param_scheduler', 'train_dataloader'):
        assert own[key] == paper[key], key
    assert derive('supernet', SCALES['paper'], 'd', 0).train_dataloader.batch_size == 28
    with pytest.raises(UserError, match='--gpus is 3'):
        derive('supernet', SCALES['paper'], 'd', 0, gpus=3)


SHRUNK = ['table1_resnet50_fem', 'table6_resnet50_nasfpn', 'table9_densenet121_fpn']
SHRUNK += ['figure1_inceptionv4_fpn', 'table3_conv11', 'table5_fdb8', 'supernet_two_step']


@pytest.mark.parametrize('name', SHRUNK)
def test_a_shrunk_network_keeps_its_levels_and_is_narrow(name):
    init_default_scope('mmdet')
    model = derive(name, SCALES['demo'], 'd', 0).model
    with without_storage():
        detector = MODELS.build(model)
        if 'Searchable' in model.backbone.type:
            set_arch(detector, space_of(detector).sample(0, 0))
        maps = detector.eval().neck(detector.backbone(torch.zeros(1, 3, 128, 128)))
    assert [128 // out.shape[-1] for out in maps] == [4, 8, 16, 32, 64, 128]
    assert {out.shape[1] for out in maps} == {model.bbox_head.in_channels}
    assert model.bbox_head.in_channels == (64 if name.endswith('fem') else 32)
    assert sum(weight.numel() for weight in detector.parameters()) < 2e6


def test_shrinking_keeps_what_makes_a_search_and_its_limit_keeps_its_place():
    options = {'search.constraints.backbone_macs.max': 2.9e9}
    config = derive('search_table5_fdb4', SCALES['demo'], 'd', 0, options=options)
    paper = load_config('paper/table5/bfbox_search_fdb4_wider_face')
    assert config.search['freeze'] == paper.search['freeze']
    assert config.model.backbone.shallow_choices == paper.model.backbone.shallow_choices
    assert config.search.candidates == 16 and tuple(config.search.size) == (128, 128)
    assert config.train_dataloader.dataset.part == 'train'
    assert config.model.backbone.depths == [1] * 6
    # One network is no space: ResNet-50 stays ResNet-50.
    one = derive('search_table6', SCALES['demo'], 'd', 0).model.backbone
    assert one.depths == [3, 4, 6, 3, 1, 1] and one.out_channels == [32, 64, 128, 256, 64, 32]
    limit = config.search.constraints.backbone_macs.max
    assert limit / median_macs(config.model) == pytest.approx(2.9e9 / median_macs(paper.model))
    evolution = derive('search_evolution', SCALES['demo'], 'd', 0).search.sampler
    assert evolution == dict(type='evolution', population=4, top=2, mutation=0.1)


def test_an_unknown_row_is_answered_with_those_that_exist():
    with pytest.raises(UserError, match="no row 'joined'; its rows are intuitive, two_step, joint"):
        rows_of('table7', 'joined')
    assert [row.name for row in rows_of('table8', 'random')] == ['random']


def test_scales_say_where_their_images_come_from(tmp_path):
    with pytest.raises(UserError, match='mini needs --data'):
        Plan(SCALES['mini'], tmp_path)
    with pytest.raises(UserError, match='makes its own images'):
        Plan(SCALES['demo'], tmp_path, tmp_path)
    with pytest.raises(UserError, match='has no folder wider_face_split'):
        Plan(SCALES['paper'], tmp_path).check_data()
