"""Which weights a checkpoint holds, in whatever form they were saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.model import ExponentialMovingAverage
from torch import nn

from mmbfbox.engine.checkpoint.weights import digest, load_weights, read_weights
from mmbfbox.errors import UserError


def saved(path: Path, content: dict[str, Any]) -> Path:
    torch.save(content, path)
    return path


def test_every_form_of_the_same_weights_reads_alike(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    state = model.state_dict()
    average = ExponentialMovingAverage(model).state_dict()
    forms = [
        dict(state_dict=state, meta={}),
        state,
        nn.DataParallel(model).state_dict(),
        dict(state_dict=torch.compile(nn.DataParallel(model)).state_dict()),
        average,
    ]
    assert 'steps' in average and '_orig_mod.module.0.weight' in forms[3]['state_dict']
    for form in forms:
        weights = read_weights(saved(tmp_path / 'a.pth', form))
        assert weights.state.keys() == state.keys() and weights.kind is None
        assert digest(weights.state) == digest(state)
        load_weights(model, weights.state, 'a.pth')


@pytest.mark.parametrize('content', [dict(model=dict(a=1)), dict(state_dict=3), dict(epoch=3)])
def test_a_file_without_weights_is_told(tmp_path: Path, content: dict[str, Any]) -> None:
    with pytest.raises(UserError, match='holds no weights|no "state_dict" of tensors'):
        read_weights(saved(tmp_path / 'a.pth', content))


def test_a_kind_that_the_file_does_not_have_is_refused(tmp_path: Path) -> None:
    state = nn.Linear(2, 2).state_dict()
    noted = saved(tmp_path / 'noted.pth', dict(state_dict=state, meta=dict(weights='ema')))
    assert read_weights(noted).kind == read_weights(noted, 'ema').kind == 'ema'
    with pytest.raises(UserError, match='one set of weights and they are ema'):
        read_weights(noted, 'raw')
    with pytest.raises(UserError, match='does not say which'):
        read_weights(saved(tmp_path / 'bare.pth', state), 'raw')
    with pytest.raises(UserError, match='take one of raw, ema'):
        read_weights(noted, 'mean')


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    state = dict(model.state_dict(), extra=torch.ones(1))
    state['0.weight'] = torch.ones(3, 3)
    del state['1.bias']
    message = (
        r'1 parameter is missing \(1.bias\), 1 unknown \(extra\), 1 of another shape \(0.weight\)'
    )
    with pytest.raises(UserError, match=message):
        load_weights(model, state, 'a.pth')
