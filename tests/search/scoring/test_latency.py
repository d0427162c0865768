"""Measured latency: measured once, noted, and a constraint on it that rejects before scoring."""

from __future__ import annotations

import json
import time
from collections import Counter

import pytest

from mmbfbox.errors import UserError
from mmbfbox.models import space_of
from mmbfbox.search.constraints import MEASUREMENTS_WITHOUT_LUCK
from mmbfbox.search.scoring.deployed_latency import deployed_runner
from mmbfbox.search.scoring.latency import LatencyMeter, latency_settings, path_runner
from mmbfbox.search.storage.candidates import read_candidates
from mmbfbox.space import Arch
from tests.search.fake_search import SMALL, SPACE, TextScorer, make_search


class Clock:
    """Time that passes only while an arch runs: one second for each ``dw5``, and more when cold."""

    def __init__(self, monkeypatch) -> None:
        self.now = 0.0
        self.runs: Counter[Arch] = Counter()
        monkeypatch.setattr('mmbfbox.search.scoring.latency.time.perf_counter', lambda: self.now)

    def run(self, arch: Arch) -> None:
        self.runs[arch] += 1
        cold = self.runs[arch] <= 3
        self.now += seconds(arch) + 100 * cold

    def meter(self, folder) -> LatencyMeter:
        return LatencyMeter(self.run, folder / 'latencies.jsonl')


def seconds(arch: Arch) -> int:
    return 1 + sum(choice == 'dw5' for stage in arch.stages for choice in stage)


def test_latency_is_the_median_of_warm_runs(tmp_path, monkeypatch):
    clock = Clock(monkeypatch)
    arch = SPACE.sample(0, 0)
    assert clock.meter(tmp_path)(arch) == 1000 * seconds(arch)
    assert clock.runs == {arch: 3 + 10}


def test_an_arch_is_measured_once_also_by_the_next_process_and_after_a_kill(tmp_path, monkeypatch):
    clock = Clock(monkeypatch)
    archs = [SPACE.sample(0, index) for index in range(4)]
    meter = clock.meter(tmp_path)
    first = [meter(arch) for arch in archs] + [meter(arch) for arch in archs]
    file = tmp_path / 'latencies.jsonl'
    assert len(file.read_text().splitlines()) == 4 and set(clock.runs.values()) == {13}
    again = clock.meter(tmp_path)
    assert [again(arch) for arch in archs] * 2 == first and set(clock.runs.values()) == {13}
    # Killed while the last line was written: only that one is measured again.
    file.write_bytes(file.read_bytes()[:-9])
    after = clock.meter(tmp_path)
    assert [after(arch) for arch in archs] * 2 == first
    assert [clock.runs[arch] for arch in archs] == [13, 13, 13, 26]
    assert [clock.meter(tmp_path)(arch) for arch in archs] * 2 == first
    assert clock.runs[archs[3]] == 26


@pytest.mark.parametrize('bound', [dict(max=1500), dict(min=1500), dict(min=1500, max=2500)])
def test_what_is_too_slow_or_too_fast_is_not_scored_and_the_rest_notes_its_latency(
    tmp_path, monkeypatch, bound
):
    clock, scorer = Clock(monkeypatch), TextScorer()
    constraints = dict(latency_ms=bound)
    make_search(tmp_path, None, scorer, constraints=constraints, latency=clock.meter(tmp_path)).run(
        12
    )
    found = read_candidates(tmp_path)
    assert [c.latency_ms for c in found] == [1000 * seconds(c.arch) for c in found]
    assert all(bound.get('min', 0) <= c.latency_ms <= bound.get('max', 9999) for c in found)
    assert set(scorer.scored) == {c.arch for c in found}
    assert {arch.canonical() for arch in scorer.scored} < set(clock.runs)
    # Going on measures only what is new, and proposes the same archs.
    runs = clock.runs.copy()
    longer = make_search(tmp_path, constraints=constraints, latency=clock.meter(tmp_path))
    assert len(longer.run(14)) == 14
    assert read_candidates(tmp_path)[:12] == found
    assert set(clock.runs.values()) == {13} and runs <= clock.runs


@pytest.mark.parametrize('bound', [dict(max=1), dict(min=1e6)])
def test_a_latency_that_no_arch_has_ends_after_some_measurements_with_the_range(
    tmp_path, monkeypatch, bound
):
    clock, scorer = Clock(monkeypatch), TextScorer()
    search = make_search(
        tmp_path, None, scorer, constraints=dict(latency_ms=bound), latency=clock.meter(tmp_path)
    )
    with pytest.raises(UserError, match=r'500 of them were measured.*latency_ms 1e\+03 to 5e\+03'):
        search.run(1)
    assert not scorer.scored and 10 < len(clock.runs) <= MEASUREMENTS_WITHOUT_LUCK


def test_a_supernets_own_paths_are_timed(supernet, tmp_path):
    space = space_of(supernet)
    meter = LatencyMeter(path_runner(supernet, (64, 64), 'cpu'), tmp_path / 'x.jsonl', 1, 3)
    start = time.perf_counter()
    archs = [space.sample(0, index) for index in range(2)]
    measured = [meter(arch) for arch in archs]
    assert all(0 < one < 1000 * (time.perf_counter() - start) for one in measured)
    lines = [json.loads(line) for line in (tmp_path / 'x.jsonl').read_text().splitlines()]
    assert [line['latency_ms'] for line in lines] == measured
    assert [Arch.from_dict(line['arch']) for line in lines] == archs


def test_a_full_disk_is_one_sentence(tmp_path, monkeypatch):
    clock = Clock(monkeypatch)
    meter = clock.meter(tmp_path / 'no such folder')
    with pytest.raises(UserError, match='cannot write to .*latencies.jsonl'):
        meter(SMALL.sample(0, 0))


def test_settings_are_completed_and_nonsense_is_named():
    assert latency_settings(None, (480, 640)) == dict(size=[480, 640], warmup=3, repeats=10)
    assert latency_settings(dict(size=(64, 32)), (480, 640))['size'] == [64, 32]
    for wrong, named in (
        (dict(batch=2), 'batch'),
        (dict(repeats=0), 'repeats'),
        (dict(size=3), 'size'),
    ):
        with pytest.raises(UserError, match=named):
            latency_settings(wrong, (480, 640))


def test_latency_as_deployed_is_noted_with_its_back_end_and_threads():
    settings = latency_settings(dict(backend='onnxruntime', threads=2), (480, 640))
    expected = dict(size=[480, 640], warmup=3, repeats=10, backend='onnxruntime', threads=2)
    assert settings == expected
    # What earlier versions noted is what they would note today.
    assert latency_settings(dict(backend='torch'), (480, 640)) == latency_settings(None, (480, 640))
    for wrong, named in (
        (dict(backend='tensorrt'), "backend is 'tensorrt', expected one of torch, onnxruntime"),
        (dict(backend='openvino', threads=0), 'threads is 0'),
        (dict(backend='openvino', warmup=0), 'the first run in openvino exports the network'),
        (dict(threads=4), 'torch runs on all that it has'),
    ):
        with pytest.raises(UserError, match=named):
            latency_settings(wrong, (480, 640))


@pytest.mark.parametrize('backend', ['onnxruntime', 'openvino'])
def test_the_exported_graph_of_an_arch_is_timed(backend, supernet, supernet_config, tmp_path):
    """Each arch is exported once; sizes are filled up to multiples of the largest stride."""
    pytest.importorskip(backend)
    arch = space_of(supernet).sample(0, 0)
    run = deployed_runner(supernet_config.model, (100, 120), backend, 1)
    start = time.perf_counter()
    run(arch)
    first = time.perf_counter() - start
    measured = LatencyMeter(run, tmp_path / 'x.jsonl', 1, 3)(arch)
    assert 0 < measured < 1000 * first
