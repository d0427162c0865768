"""The report: its numbers, and a page that needs nothing but itself."""

from __future__ import annotations

import json
import re
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mmbfbox.artifacts.plan import Plan
from mmbfbox.errors import UserError
from mmbfbox.models import set_arch, space_of
from mmbfbox.models.necks.attention_means import attention_means
from mmbfbox.search.report import choice_effects, edge_effects, pareto_front, write_report
from mmbfbox.search.report.source import read_findings
from mmbfbox.search.scoring.attention import measure_attention
from mmbfbox.space import BackboneSpace, FpnSpace, JointSpace
from tests.fixtures_search import GOOD, SPACE, fake_candidates, fake_search, identity
from tests.space.test_light import LIGHT

FIGURES = ('score_vs_macs', 'score_over_candidates', 'choice_effects', 'edge_effects')


def data_of(page: Path) -> dict:
    text = page.read_text(encoding='utf-8')
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    return json.loads(found[1])


def test_effect_of_a_choice_is_the_mean_of_those_that_have_it_minus_the_mean_of_all():
    candidates = fake_candidates(200)
    hard = np.array([candidate.scores['hard'] for candidate in candidates])
    has = np.array([candidate.arch.stages[0][0] == 'dw5' for candidate in candidates])
    effect = choice_effects(candidates, 'hard')[0][0]['dw5']
    assert effect.count == has.sum()
    assert effect.mean == pytest.approx(hard[has].mean() - hard.mean())
    assert effect.spread == pytest.approx(hard[has].std(ddof=1))
    # The choice that was made good is found, and nothing else.
    found = {
        (stage, slot, name): abs(one.mean) > 5 * one.error
        for stage, slots in enumerate(choice_effects(candidates, 'hard'))
        for slot, effects in enumerate(slots)
        for name, one in effects.items()
        if one.mean > 0
    }
    assert [place for place, significant in found.items() if significant] == [(0, 0, 'dw5')]
    assert effect.mean == pytest.approx(GOOD * (1 - has.mean()), abs=0.004)


def test_every_choice_and_edge_of_the_candidates_is_counted_once():
    candidates = fake_candidates(60)
    for slot in (slot for stage in choice_effects(candidates, 'easy') for slot in stage):
        assert sum(effect.count for effect in slot.values()) == 60
    edges = edge_effects(candidates, 'easy')
    assert sum(effect.count for effect in edges.values()) == 60 * len(SPACE.fpn.targets)
    assert all(source[1:] != str(target) for target, source in edges)


def test_page_is_one_file_that_needs_no_other(tmp_path):
    fake_search(tmp_path, 40)
    page = write_report(tmp_path)
    text = page.read_text(encoding='utf-8')
    outside = re.sub(r'http://www\.w3\.org/2000/svg', '', text)
    assert 'http' not in outside and 'src=' not in outside and '@import' not in outside
    assert not re.search(r'/\*(CSS|DATA|JS)\*/', text)
    for name in FIGURES:
        assert (tmp_path / f'{name}.png').read_bytes()[:4] == b'\x89PNG'


def test_page_holds_every_candidate_and_draws_archs_that_can_be_read_back(tmp_path):
    candidates = fake_search(tmp_path, 40)
    data = data_of(write_report(tmp_path))
    assert data['index'] == [candidate.index for candidate in candidates]
    assert data['scores']['hard'] == [round(100 * c.scores['hard'], 3) for c in candidates]
    digits = '0123456789abcdefghijklmnopqrstuvwxyz'
    for code, candidate in zip(data['arch'], candidates):
        stages, merges = code.split('|')
        decoded = [[data['choices'][digits.index(d)] for d in stage] for stage in stages.split('.')]
        assert decoded == candidate.arch.to_dict()['stages']
        assert merges.split() == [
            f'{merge.target}{merge.source}' for merge in candidate.arch.merges
        ]
    assert data['ends'] == dict(rejected=dict(params=19), stopped=0, failed=0)
    assert data['wanted'] == 50
    assert ['supernet', '0123456789ab'] in data['facts']


def test_a_light_spaces_skips_and_missing_laterals_are_shown_as_such(tmp_path):
    candidates = fake_search(tmp_path, 120, LIGHT)
    data = data_of(write_report(tmp_path))
    # c2 has no lateral, so none is drawn and no edge can come from it.
    assert data['laterals'] == [3, 4] and data['firstLevel'] == 2 and data['depths'] == [2, 3, 3]
    effects = choice_effects(candidates, 'hard')
    for stage, slots in zip(effects, LIGHT.backbone.slots):
        for found, choices in zip(stage, slots):
            assert set(found) == set(choices)
            assert 'skip' not in choices or list(found)[-1] == 'skip'
    for stage in data['effects']['hard']['slots']:
        assert ['skip' in slot for slot in stage] == [False] + [True] * (len(stage) - 1)
    skipped = [candidate.arch.stages[1][1] == 'skip' for candidate in candidates]
    assert (
        effects[1][1]['skip'].count
        == sum(skipped)
        == data['effects']['hard']['slots'][1][1]['skip'][0]
    )
    for name in FIGURES:
        assert (tmp_path / f'{name}.png').read_bytes()[:4] == b'\x89PNG'


def test_commands_of_the_best_name_archs_that_the_space_accepts(tmp_path):
    folder = tmp_path / 'a folder'
    candidates = fake_search(folder, 40)
    best = data_of(write_report(folder, 'super net.pth', best=5))['best']
    ranked = sorted(candidates, key=lambda candidate: -candidate.scores['hard'])
    assert [candidates[one['place']] for one in best] == ranked[:5]
    for one, candidate in zip(best, ranked):
        words = shlex.split(one['command'])
        assert words[:2] == ['python', 'tools/export_subnet.py'] and words[3] == 'super net.pth'
        assert SPACE.from_json(Path(words[2]).read_text()) == candidate.arch


def test_stopped_and_failed_candidates_are_counted_and_left_out_of_the_figures(tmp_path):
    some = fake_search(tmp_path, 5)
    found = [some[0], replace(some[1], stopped=20), replace(some[2], scores={}, error='NaN')]
    # The fourth was scored to the end later, the fifth when its image was there again.
    found += [replace(some[3], stopped=20), some[3], replace(some[4], error='x'), some[4]]
    file = tmp_path / 'candidates.jsonl'
    file.write_text(''.join(candidate.to_json() + '\n' for candidate in found))
    search = read_findings(tmp_path)
    assert search.scored == [some[0], some[3], some[4]]
    assert (search.stopped, search.failed) == (1, 1)
    assert search.plan == Plan(15, 5, dict(params=2))
    (tmp_path / 'plan.json').unlink()
    data = data_of(write_report(tmp_path))
    assert data['ends'] == dict(rejected=None, stopped=1, failed=1)


def test_a_running_search_is_read_without_touching_it(tmp_path):
    fake_search(tmp_path, 8)
    file = tmp_path / 'candidates.jsonl'
    # The last line is being written.
    file.write_text(file.read_text()[:-30])
    before = file.read_bytes()
    assert len(data_of(write_report(tmp_path))['index']) == 7
    assert file.read_bytes() == before


def test_a_name_cannot_break_out_of_the_page(tmp_path):
    fake_search(tmp_path, 4)
    evil = '</script><script>alert(1)</script>'
    identity(fixed=dict(backbone=evil)).write(tmp_path / 'search.json')
    page = write_report(tmp_path)
    assert evil not in page.read_text(encoding='utf-8')
    assert ['fixed', f'backbone {evil}'] in data_of(page)['facts']


def test_what_is_no_search_ends_in_one_sentence(tmp_path):
    with pytest.raises(UserError, match='no search'):
        write_report(tmp_path)
    fake_search(tmp_path, 0)
    with pytest.raises(UserError, match='no candidate is scored'):
        write_report(tmp_path)
    (tmp_path / 'candidates.jsonl').write_text('{"index": 1}\n' * 2)
    with pytest.raises(UserError, match='line 1'):
        write_report(tmp_path)


def test_ten_thousand_candidates_of_the_papers_space_take_seconds_and_two_megabytes(tmp_path):
    few = fake_candidates(500, JointSpace(BackboneSpace(), FpnSpace()))
    fake_search(tmp_path, 1)
    lines = [replace(few[i % 500], index=i).to_json() + '\n' for i in range(10_000)]
    (tmp_path / 'candidates.jsonl').write_text(''.join(lines))
    start = time.perf_counter()
    page = write_report(tmp_path)
    assert time.perf_counter() - start < 20
    assert page.stat().st_size < 2_000_000
    assert len(data_of(page)['index']) == 10_000


def test_front_follows_the_cost_that_is_asked_for():
    candidates = fake_candidates(50)
    for cost in ('backbone_macs', 'detector_macs', 'params'):
        front = pareto_front(candidates, 'hard', cost)
        for one in candidates:
            rivals = [f for f in front if getattr(f, cost) <= getattr(one, cost)]
            assert max(f.scores['hard'] for f in rivals) >= one.scores['hard']


@pytest.mark.parametrize('kind', ['spatial', 'edge', None])
def test_attention_is_the_mean_over_all_images_of_each_level(supernet_config, kind, tmp_path):
    from mmdet.registry import MODELS

    supernet_config.model.neck.attention = kind
    model = MODELS.build(supernet_config.model).eval()
    arch = space_of(model).sample(0, 0)
    images = torch.randint(0, 256, (3, 3, 128, 128), dtype=torch.uint8)
    batches = [dict(inputs=list(part), data_samples=None) for part in (images[:2], images[2:])]

    def subnet(arch):
        set_arch(model, arch)
        return model

    # Two batches of different sizes: each image counts once.
    attention = measure_attention(subnet, batches, [arch])
    attention.write(tmp_path / 'attention.json')
    maps = {}
    for name, module in model.neck.attention.items():
        module.register_forward_hook(lambda m, i, out, name=name: maps.update({name: out}))
    with torch.no_grad():
        whole = dict(inputs=list(images), data_samples=None)
        model.extract_feat(model.data_preprocessor(whole)['inputs'])
    expected = {name.split('_')[0]: float(out.mean()) for name, out in maps.items()}
    assert {k: v['mean'] for k, v in attention.levels.items()} == pytest.approx(expected, abs=1e-4)
    assert attention.images == 3 and len(expected) == (5 if kind else 0)
    with attention_means(torch.nn.Linear(1, 1)) as means:
        assert means.read() == {}
    fake_search(tmp_path, 4)
    assert data_of(write_report(tmp_path))['attention'] == attention.to_plain()


def test_tool_writes_the_page_and_refuses_nonsense(tmp_path, capsys, monkeypatch):
    import importlib.util

    path = Path(__file__).resolve().parents[3] / 'tools' / 'search_report.py'
    spec = importlib.util.spec_from_file_location('search_report', path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    fake_search(tmp_path, 4)
    monkeypatch.setattr(sys, 'argv', ['search_report', str(tmp_path)])
    tool.main()
    assert (tmp_path / 'search_report.html').exists()
    for arguments, sentence in (
        (['--best', '0'], 'give 1 or more'),
        (['--config', 'x'], 'supernet'),
    ):
        monkeypatch.setattr(sys, 'argv', ['search_report', str(tmp_path), *arguments])
        with pytest.raises(SystemExit):
            tool.main()
        assert sentence in capsys.readouterr().err
