"""The records of finished runs can be read, and what ships says of itself what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.common.recorded_runs import RECORDS
from mmbfbox.artifacts.onnx_meta import OnnxMeta
from mmbfbox.artifacts.run_record import RunRecord
from mmbfbox.deploy.model_file import PACKAGED, packaged_models
from mmbfbox.engine.checkpoint.weights import check_weights, digest, read_weights
from mmbfbox.errors import UserError
from mmbfbox.export.supernet import build_without_storage
from mmbfbox.utils.config import load_config

# Those of supernets are no trainings.
FILES = sorted(path for path in RECORDS.glob('*/*.json') if path.parent.name != 'pool_scores')
ROOT = RECORDS.parents[1]
PACKAGED_RECORD = RECORDS / 'light' / 'searched-0.5g-large-seed0.json'
WEIGHTS = ROOT / 'weights' / 'bfbox_0.5g.pth'


@pytest.mark.parametrize('file', FILES, ids=lambda file: file.stem)
def test_a_record_is_read_and_its_curve_ends_with_its_training(file: Path):
    record = RunRecord.read(file)
    assert record.curve[-1][0] == record.training.iterations
    assert {'easy', 'medium', 'hard'} <= set(record.scores)
    assert file.stem == f'{record.name}-seed{record.training.seed}'


def test_a_damaged_record_is_one_sentence(tmp_path: Path):
    path = tmp_path / 'a.json'
    path.write_text(PACKAGED_RECORD.read_text()[:200])
    with pytest.raises(UserError, match='is damaged or not the record of a run.*makes it anew'):
        RunRecord.read(path)


def test_the_card_says_what_the_record_says():
    record = RunRecord.read(PACKAGED_RECORD)
    card = (PACKAGED / 'README.md').read_text()
    words = [f'{name} {100 * record.scores[name]:.2f}' for name in ('easy', 'medium', 'hard')]
    assert ', '.join(words) in card
    assert f'{record.crops:,} crops' in card


def test_the_packaged_graphs_are_those_of_the_weights_that_their_config_takes():
    config = load_config('light/0.5g/bfbox_searched_large_light-0.5g_wider_mini')
    weights = read_weights(WEIGHTS)
    check_weights(build_without_storage(config.model), weights.state, str(WEIGHTS))
    assert packaged_models() == ['bfbox_0.5g']
    onnx = pytest.importorskip('onnx')
    for name in ('bfbox_0.5g.onnx', 'bfbox_0.5g.int8.onnx'):
        texts = {p.key: p.value for p in onnx.load(PACKAGED / name).metadata_props}
        assert OnnxMeta.from_texts(texts, name).source == digest(weights.state)


def test_the_packaged_graphs_are_small():
    assert sum(path.stat().st_size for path in PACKAGED.glob('*.onnx')) <= 2_000_000
