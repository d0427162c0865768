"""There is always a checkpoint to go on from."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import torch

from mmbfbox.engine import SafeCheckpointHook, load_checkpoint_file
from mmbfbox.errors import UserError
from tests.engine.toy_runs import toy_runner


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()}


def last(folder: Path) -> str:
    return Path((folder / 'last_checkpoint').read_text()).name


def resumed_from(folder: Path, **keys) -> tuple[str, str]:
    """File and warnings of a resumed run."""
    runner = toy_runner(folder, 7, resume=True, **keys)
    said: list[str] = []
    runner.logger.warning = said.append
    runner.train()
    assert runner.iter == 7
    return Path(runner._load_from).name, ' '.join(said)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-300])


@pytest.fixture
def trained(tmp_path) -> Path:
    """Checkpoints of the iterations 2, 4 and 6."""
    toy_runner(tmp_path, 6).train()
    return tmp_path


def test_old_checkpoints_go_when_the_new_one_stands(tmp_path):
    toy_runner(tmp_path, 7, checkpoint=dict(max_keep_ckpts=2)).train()
    assert names(tmp_path) >= {'iter_6.pth', 'iter_7.pth', 'last_checkpoint'}
    assert last(tmp_path) == 'iter_7.pth' and 'iter_4.pth' not in names(tmp_path)


@pytest.mark.parametrize('where', ['fsync', 'replace'])
def test_a_full_disk_is_one_sentence_and_costs_nothing(tmp_path, monkeypatch, where):
    toy_runner(tmp_path, 2, checkpoint=dict(max_keep_ckpts=1)).train()
    before = names(tmp_path)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    runner = toy_runner(tmp_path, 4, checkpoint=dict(max_keep_ckpts=1), resume=True)
    monkeypatch.setattr('os.fsync' if where == 'fsync' else 'pathlib.Path.replace', full)
    with pytest.raises(UserError, match=r'iter_4.pth: No space left on device; .* --resume'):
        runner.train()
    assert before <= names(tmp_path) and not list(tmp_path.glob('.iter*'))
    assert load_checkpoint_file(tmp_path / last(tmp_path))['meta']['iter'] == 2


def test_a_checkpoint_half_written_by_a_killed_run_is_removed(trained):
    for name in ('.iter_8-abcdefgh.pth', '.mine.pth'):
        (trained / name).write_bytes(b'half')
    toy_runner(trained, 7, resume=True).train()
    assert [path.name for path in trained.glob('.*')] == ['.mine.pth']


@pytest.mark.parametrize('explicit', [False, True])
def test_a_truncated_checkpoint_is_noticed_and_the_one_before_it_used(trained, explicit):
    cut(trained / 'iter_6.pth')
    asked = dict(load_from=str(trained / 'iter_6.pth')) if explicit else {}
    used, said = resumed_from(trained, **asked)
    assert used == 'iter_4.pth'
    assert 'iter_6.pth cannot be read' in said and 'iter_4.pth instead of' in said


def test_two_truncated_ones_are_passed_over_and_with_none_left_it_is_one_sentence(trained):
    cut(trained / 'iter_6.pth')
    (trained / 'iter_4.pth').write_bytes(b'')
    assert resumed_from(trained)[0] == 'iter_2.pth'
    for path in trained.glob('*.pth'):
        path.write_bytes(b'\0' * 5000)
    with pytest.raises(UserError, match='no checkpoint in .* can be read .*train from the start'):
        toy_runner(trained, 7, resume=True).train()


@pytest.mark.parametrize('note', [None, '', '/elsewhere/iter_4.pth'])
def test_last_checkpoint_may_be_missing_empty_or_of_a_folder_that_was_moved(trained, note):
    path = trained / 'last_checkpoint'
    path.write_text(note) if note is not None else path.unlink()
    assert resumed_from(trained) == ('iter_4.pth' if note else 'iter_6.pth', '')


def test_a_forbidden_type_is_refused_and_not_passed_over(trained):
    class Sneaky:
        def __reduce__(self):
            return (open, (str(trained / 'victim'), 'w'))

    torch.save(dict(state_dict={}, meta=Sneaky()), trained / 'iter_6.pth')
    with pytest.raises(UserError, match='refused'):
        toy_runner(trained, 7, resume=True).train()
    assert not (trained / 'victim').exists()


def test_the_text_of_a_config_in_a_checkpoint_is_not_run(trained):
    checkpoint = load_checkpoint_file(trained / 'iter_6.pth')
    checkpoint['meta']['config'] = f"open({str(trained / 'victim')!r}, 'w')\n"
    torch.save(checkpoint, trained / 'iter_6.pth')
    assert resumed_from(trained)[0] == 'iter_6.pth'
    assert not (trained / 'victim').exists()


def test_what_was_to_be_removed_when_the_run_was_killed_is_removed_later(tmp_path, monkeypatch):
    keep = dict(max_keep_ckpts=1)
    with monkeypatch.context() as patch:
        patch.setattr(SafeCheckpointHook, '_finish', lambda *_: None)
        toy_runner(tmp_path, 4, checkpoint=keep).train()
    assert {'iter_2.pth', 'iter_4.pth'} <= names(tmp_path)
    toy_runner(tmp_path, 5, checkpoint=keep, resume=True).train()
    assert [name for name in names(tmp_path) if name.endswith('.pth')] == ['iter_5.pth']


def test_the_best_checkpoint_stays_until_a_better_one_stands(tmp_path, monkeypatch):
    keys = dict(validate=2, checkpoint=dict(save_best='acc', rule='greater'))
    runner = toy_runner(tmp_path, 4, **keys)
    save, there = runner.save_checkpoint, []

    def watch(folder, filename, *args, **more):
        there.append((filename, sorted(path.name for path in tmp_path.glob('best*'))))
        save(folder, filename, *args, **more)

    monkeypatch.setattr(runner, 'save_checkpoint', watch)
    runner.train()
    assert ('best_acc_iter_4.pth', ['best_acc_iter_2.pth']) in there
    assert [path.name for path in tmp_path.glob('best*')] == ['best_acc_iter_4.pth']


def test_half_a_gradient_is_not_saved(tmp_path):
    wrapper = dict(optimizer=dict(type='SGD', lr=0.1), accumulative_counts=4)
    with pytest.raises(UserError, match='interval is 2, .* multiple of 4'):
        toy_runner(tmp_path, 4, optim_wrapper=wrapper).train()
