"""A container as users run them: little shared memory, a read-only root, no home, no name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / 'tests' / 'data' / 'search_before'
NOBODY = 54321


def why_not() -> str | None:
    """Why no container can be made here, or None if it can."""
    if os.name != 'posix' or os.geteuid() != 0:
        return 'a container needs root'
    missing = [
        name for name in ('unshare', 'setpriv', 'taskset', 'prlimit') if not shutil.which(name)
    ]
    if missing:
        return f'a container needs {", ".join(missing)}'
    if subprocess.run(['unshare', '--mount', 'true'], capture_output=True).returncode:
        return 'this machine makes no mount namespaces'
    return None


pytestmark = [
    pytest.mark.hosts,
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
]


SCRIPT = """
set -e
mount --make-rprivate /
mount -t tmpfs -o size=64m,mode=1777 tmpfs /dev/shm
mount --bind "$WORK" /mnt
for folder in / /tmp /var /work; do
    mount -o remount,bind,ro "$folder" 2>/dev/null || true
done
cd /mnt
exec taskset --cpu-list 0 prlimit --as="$MEMORY" setpriv --reuid "$NOBODY" --regid "$NOBODY" --clear-groups \\
    --inh-caps=+dac_read_search --ambient-caps=+dac_read_search env -i PATH="$PATH" PYTHONPATH="$ROOT" "$@"
"""


def contained(work_dir: Path, *command: object) -> subprocess.CompletedProcess[str]:
    """Run a tool in such a container, in which ``work_dir`` is /mnt.

    It has one core, 64 MB of /dev/shm, 8 GiB of address space, a read-only root and no HOME; its user has
    no name, may read everything and write only below /mnt.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    for path in (work_dir, *work_dir.rglob('*')):
        os.chown(path, NOBODY, NOBODY)
    settings = {'WORK': work_dir, 'ROOT': ROOT, 'NOBODY': NOBODY, 'MEMORY': 8 << 30}
    return subprocess.run(
        ['unshare', '--mount', '--fork', 'bash', '-c', SCRIPT, 'container', sys.executable,
         *map(str, command)],
        env={**os.environ, **{name: str(value) for name, value in settings.items()}},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def test_training_search_and_test_run_in_a_bare_container(tmp_path: Path) -> None:
    images = DATA / 'images'
    few = ['train_dataloader.dataset.held_out=2', 'train_dataloader.dataset.recalibration=2']
    steps = {
        'train': [
            'demo/retinanet_r18_fpn_demo', '--data-root', images, '--work-dir', '/mnt/trained',
            '--cfg-options', 'train_cfg.max_iters=4', 'train_dataloader.batch_size=4',
            'default_hooks.checkpoint.interval=4', *few,
        ],
        'search': [
            DATA / 'config.py', DATA / 'supernet.pth', '--candidates', 4, '--data-root', images,
            '--work-dir', '/mnt/search',
        ],
        'test': [
            'demo/retinanet_r18_fpn_demo', '/mnt/trained/iter_4.pth', '--data-root', images,
            '--work-dir', '/mnt/test', '--out-dir', '/mnt/predictions',
        ],
    }  # fmt: skip
    for tool, arguments in steps.items():
        ended = contained(tmp_path / 'work', ROOT / 'tools' / f'{tool}.py', *arguments)
        said = ended.stderr[-3000:]
        assert 'Traceback' not in ended.stderr, said
        assert ended.returncode == 0, said
    assert (tmp_path / 'work' / 'test' / 'metrics.json').exists()
    assert (tmp_path / 'work' / 'search' / 'best.md').exists()
