"""A loader whose batches do not fit into shared memory is refused before it hangs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from mmbfbox.datasets import shared_memory
from mmbfbox.datasets.shared_memory import check_shared_memory
from mmbfbox.errors import UserError, exit_on_user_error
from tests.datasets.small_wider import PACK, TRAINING, build

ROOT = Path(__file__).resolve().parents[2]
MB = 2**20


def loader(dataset, workers: int = 4, batch: int = 7, **keys) -> DataLoader:
    return DataLoader(dataset, batch, num_workers=workers, collate_fn=pseudo_collate, **keys)


def own_shared_memory() -> int:
    """Bytes of this process's files, as torch names them."""
    files = shared_memory.FOLDER.glob(f'torch_{os.getpid()}_*')
    return sum(file.stat().st_blocks * 512 for file in files)


@pytest.fixture
def canvas(wider):
    """Training samples of 3 x 640 x 640 bytes."""
    pipeline = [*TRAINING[:3], dict(type='DataAnchorSampling', canvas=640), PACK]
    return build(wider, pipeline=pipeline)


def test_a_container_with_64_mb_is_refused_with_what_to_do(canvas, monkeypatch):
    monkeypatch.setattr(shared_memory, 'free_shared_memory', lambda: 64 * MB)
    with pytest.raises(UserError) as caught:
        check_shared_memory({'train_dataloader': loader(canvas)})
    said = str(caught.value)
    assert '/dev/shm has 64 MB free' in said and '9 batches of 8.3 MB in train_dataloader' in said
    assert '--shm-size' in said and 'num_workers' in said and '\n' not in said


@pytest.mark.parametrize(
    ('free', 'processes', 'keys', 'fits'),
    [
        (80, 1, {}, True),
        (80, 2, {}, False),
        (64, 1, dict(workers=3), True),
        (64, 1, dict(batch=6, workers=3), True),
        (64, 1, dict(prefetch_factor=4), False),
        (1, 1, dict(workers=0), True),
        (None, 1, {}, True),
    ],
)
def test_workers_batches_ahead_and_processes_are_counted(
    canvas, monkeypatch, free, processes, keys, fits
):
    monkeypatch.setattr(shared_memory, 'free_shared_memory', lambda: free and free * MB)
    monkeypatch.setenv('LOCAL_WORLD_SIZE', str(processes))
    loaders = {'train_dataloader': loader(canvas, **keys)}
    if fits:
        check_shared_memory(loaders)
    else:
        with pytest.raises(UserError, match='shm-size'):
            check_shared_memory(loaders)


def test_the_look_at_a_sample_changes_no_random_numbers_and_hides_no_error(canvas, monkeypatch):
    monkeypatch.setattr(shared_memory, 'free_shared_memory', lambda: 64 * MB)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    check_shared_memory({'train_dataloader': loader(canvas, workers=1)})
    assert torch.equal(torch.rand(3), expected)
    check_shared_memory({'train_dataloader': loader([])})


def test_what_lies_in_shared_memory_is_counted_exactly(canvas):
    """Against the files that torch makes for a batch; other processes have theirs there, too."""
    if not shared_memory.FOLDER.is_dir():
        pytest.skip('this system has no /dev/shm')
    torch.multiprocessing.set_sharing_strategy('file_system')
    try:
        before = own_shared_memory()
        batch = pseudo_collate([canvas[0]])
        tensors = list(shared_memory._tensors(batch))
        for tensor in tensors:
            tensor.share_memory_()
        used = own_shared_memory() - before
    finally:
        torch.multiprocessing.set_sharing_strategy('file_descriptor')
    counted = shared_memory._batch_bytes(loader(canvas, batch=1))
    assert 0.9 * counted <= used <= 1.1 * counted + MB // 8


@pytest.mark.parametrize(
    'said',
    [
        'DataLoader timed out after 300 seconds',
        'DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that dataloader\'s '
        'workers are out of shared memory. Please try to raise your shared memory limit.',
        'unable to allocate shared memory(shm) for file </torch_1>: No space left on device (28)',
    ],
)  # fmt: skip
def test_a_lost_batch_ends_a_command_with_one_sentence(capsys, said):
    @exit_on_user_error
    def main() -> None:
        raise RuntimeError(said)

    with pytest.raises(SystemExit) as caught:
        main()
    error = capsys.readouterr().err
    assert caught.value.code == 1 and error.startswith('error: a loader worker sends no batch')
    assert '--shm-size' in error and error.count('\n') == 1


TRAIN = """
from tests.engine.toy_runs import toy_runner
from tests.datasets.test_shared_memory import Large
from mmbfbox.errors import exit_on_user_error
from pathlib import Path
import sys

@exit_on_user_error
def main():
    workers = dict(num_workers=4, batch_size=7, timeout=6, dataset=Large())
    hooks = [dict(type='CloseWorkersHook')] * (sys.argv[2] == 'checked')
    toy_runner(Path(sys.argv[1]), 40, loader=workers, custom_hooks=hooks).train()

main()
"""


class Large(torch.utils.data.Dataset):
    """Samples as large as 3 x 640 x 640 bytes."""

    metainfo = dict(classes=('face',))

    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int):
        return dict(inputs=torch.ones(4), data_samples=torch.full((3, 640, 160), float(index)))


@pytest.mark.parametrize('checked', ['checked', 'unchecked'])
def test_a_real_shared_memory_of_64_mb_ends_in_one_sentence(tmp_path, checked):
    """In a mount namespace of its own; unchecked, the loader's timeout ends what would hang."""
    mount = 'mount -t tmpfs -o size=64m tmpfs /dev/shm'
    if subprocess.run(['unshare', '-m', 'sh', '-c', mount], capture_output=True).returncode:
        pytest.skip('mounting a small /dev/shm in a namespace needs rights that this user lacks')
    command = f'{mount} && exec {sys.executable} -c "$0" "$@"'
    done = subprocess.run(
        ['unshare', '-m', 'sh', '-c', command, TRAIN, str(tmp_path), checked],
        cwd=ROOT,
        env=os.environ | dict(PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1'),
        capture_output=True,
        text=True,
        timeout=120,
    )
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1, done.stderr[-2000:]
    assert last.startswith('error: ') and '--shm-size' in last
    assert ('/dev/shm has 64 MB free' in last) == (checked == 'checked')
