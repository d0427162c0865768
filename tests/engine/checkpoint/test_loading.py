"""What a user was handed is never executed, and bad files end in one sentence."""

from __future__ import annotations

import collections
import pickle

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from mmbfbox.engine import load_checkpoint_file, load_weights
from mmbfbox.errors import UserError
from tests.engine.hostile import Hostile, hostile_file


@pytest.mark.parametrize('legacy', [False, True])
def test_a_malicious_pickle_is_refused_and_not_executed(tmp_path, legacy):
    victim, path = hostile_file(tmp_path)
    if legacy:
        path.write_bytes(pickle.dumps(dict(state_dict={}, meta=Hostile(victim))))
    with pytest.raises(UserError, match='refused|cannot be read'):
        load_checkpoint_file(path)
    assert not victim.exists()


def test_getattr_is_allowed_for_log_histories_only(tmp_path):
    class Sneaky:
        def __reduce__(self):
            return (getattr, (HistoryBuffer, '__init__'))

    torch.save(dict(meta=Sneaky()), tmp_path / 'bad.pth')
    with pytest.raises(UserError, match='refused'):
        load_checkpoint_file(tmp_path / 'bad.pth')


def test_what_mmengine_writes_is_read_back(tmp_path):
    history = HistoryBuffer([1.0, 2.0], [1, 1])
    state = collections.OrderedDict(w=torch.ones(2))
    meta = dict(iter=3, value=np.float64(0.5), count=np.int64(3), classes=('face',))
    torch.save(dict(state_dict=state, meta=meta, message_hub=dict(h=history)), tmp_path / 'a.pth')
    data = load_checkpoint_file(tmp_path / 'a.pth')
    assert data['message_hub']['h'].mean() == 1.5
    assert data['meta'] == meta
    assert torch.equal(data['state_dict']['w'], torch.ones(2))


@pytest.mark.parametrize('content', [b'', b'nonsense', b'PK\x03\x04 truncated'])
def test_a_damaged_file_ends_in_one_sentence(tmp_path, content):
    path = tmp_path / 'broken.pth'
    path.write_bytes(content)
    with pytest.raises(UserError, match='broken.pth'):
        load_checkpoint_file(path)


def test_a_truncated_checkpoint_ends_in_one_sentence(tmp_path):
    path = tmp_path / 'cut.pth'
    torch.save(dict(state_dict=dict(w=torch.zeros(10000))), path)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(UserError, match='damaged'):
        load_checkpoint_file(path)


def test_a_missing_file_ends_in_one_sentence(tmp_path):
    with pytest.raises(UserError, match='does not exist'):
        load_checkpoint_file(tmp_path / 'none.pth')


def test_weights_of_another_network_are_refused():
    small, large = torch.nn.Linear(2, 2), torch.nn.Linear(3, 2)
    with pytest.raises(UserError, match='1 of another shape'):
        load_weights(small, large.state_dict(), 'x.pth')
    with pytest.raises(UserError, match='2 parameters are missing'):
        load_weights(small, {}, 'x.pth')
