"""Kill -9 the trainings of finalists again and again at random moments, and compare with undisturbed ones.

A small supernet is trained and searched for a few iterations by ``tools/search.py``, which then trains three
finalists up to two rungs, and the winner again with another seed. All processes are killed at once: while
starting, while a training runs, and when a result has just been written. Nothing that was finished may be
trained again, what is repeated may not be more than a checkpoint's interval for each kill, and records and
weights must be equal in the end. Nothing may be committed meanwhile: records name the commit.

    python benchmarks/search/killed_finalists.py --kills 12
    python benchmarks/search/killed_finalists.py --kills 12 --at-once 2

With --at-once the killed run trains several side by side, the undisturbed one never does.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import torch

from benchmarks.common.killable_search import Run, prepare
from benchmarks.common.scripts import new_parser, print_head, print_row
from mmbfbox.artifacts.finalists import FINALISTS_FOLDER
from mmbfbox.engine import load_checkpoint_file
from mmbfbox.errors import UserError, exit_on_user_error

MOMENTS = ('starting', 'training', 'writing')
ROUNDS = ('rung*', 'repeat*')
INTERVAL = 2
"""Iterations between checkpoints."""
CONFIG = f"""
_base_ = './search.py'
search = dict(
    finalists=dict(
        best=2, controls=1, rungs=[1 / 3, 1], keep=[1], repeats=[1], iterations=24, at_once={{at_once}},
        options={{
            'train_dataloader.batch_size': 4,
            'train_dataloader.num_workers': 0,
            'train_dataloader.persistent_workers': False,
            'test_dataloader.num_workers': 0,
            'test_dataloader.persistent_workers': False,
            'default_hooks.checkpoint.interval': {INTERVAL},
            'default_hooks.logger.interval': 1,
        }},
    )
)
"""
CANDIDATES = 4


def moments(kills: int, generator: random.Random) -> list[str]:
    """What the command is doing at each kill; the last results are left, so that it never ends before."""
    written = min(3, kills // 3)
    others = [MOMENTS[number % 2] for number in range(kills - written)]
    order = [*others, *['writing'] * written]
    generator.shuffle(order)
    return order


def iterations(run: Run) -> dict[str, Counter[int]]:
    """How often each training has made each of its iterations, by the training's folder."""
    found: dict[str, Counter[int]] = {}
    folder = run.work_dir / FINALISTS_FOLDER
    for log in sorted(
        path for r in ROUNDS for path in folder.glob(f'*/{r}/*/vis_data/scalars.json')
    ):
        lines = [line for line in log.read_text().splitlines() if line.endswith('}')]
        steps = [row['step'] for row in map(json.loads, lines) if 'loss' in row]
        found.setdefault(str(log.parents[2].relative_to(folder)), Counter()).update(steps)
    return found


def made(run: Run) -> int:
    """How many iterations there were in all, repeated ones included."""
    return sum(counts.total() for counts in iterations(run).values())


def finished(run: Run) -> dict[str, int]:
    """Trainings that have a result, and how many iterations they took in all."""
    counts = iterations(run)
    folder = run.work_dir / FINALISTS_FOLDER
    results = [path for of_round in ROUNDS for path in folder.glob(f'*/{of_round}.json')]
    names = [f'{path.parent.name}/{path.stem}' for path in results]
    return {name: counts[name].total() for name in names}


def kill_at(run: Run, moment: str, generator: random.Random) -> None:
    """Start the command, wait for a moment, and kill all of its processes.

    Raises:
        UserError: it ended before.
    """
    before, results = made(run), len(finished(run))
    run.start()
    if moment == 'starting':
        end = time.monotonic() + generator.uniform(1, 10)
        lived = run.wait_until(lambda: time.monotonic() > end)
    elif moment == 'training':
        wanted = before + generator.randint(1, 2 * INTERVAL)
        lived = run.wait_until(lambda: made(run) >= wanted)
        time.sleep(generator.uniform(0, 0.3))
    else:
        lived = run.wait_until(lambda: len(finished(run)) > results)
    if not lived:
        raise UserError('the finalists were trained before all kills; kill less often')
    run.kill()


def differences(run: Run, other: Run) -> list[str]:
    """What two finished runs disagree about: records, the winner's weights, its config."""
    mine, theirs = (result(one) for one in (run, other))
    different = [name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name)]
    states = [
        load_checkpoint_file(one.work_dir / 'final' / 'weights.pth')['state_dict']
        for one in (run, other)
    ]
    equal = states[0].keys() == states[1].keys() and all(
        torch.equal(value, states[1][name]) for name, value in states[0].items()
    )
    return sorted(different) + ([] if equal else ['final/weights.pth'])


def result(run: Run) -> dict[str, Any]:
    """Everything that must be equal at the end, but weights: no times."""
    found: dict[str, Any] = {}
    folder = run.work_dir / FINALISTS_FOLDER
    for path in (path for of_round in ROUNDS for path in folder.glob(f'*/{of_round}.json')):
        record = json.loads(path.read_text())['record']
        for key in ('seconds', 'config_hash'):  # the config names the folder of the run
            record['training'].pop(key)
        found[str(path.relative_to(folder))] = record
    config = run.work_dir / 'final' / 'config.py'
    found['final/config.py'] = config.read_text().replace(str(run.folder), '')
    return found


@exit_on_user_error
def main() -> None:
    """Run both and compare."""
    parser = new_parser(__doc__)
    parser.add_argument('--kills', type=int, default=12, help='how often the command is killed')
    parser.add_argument('--seed', type=int, default=0, help='seed of the moments')
    parser.add_argument(
        '--at-once', type=int, default=1, help='trainings of the killed run side by side'
    )
    parser.add_argument('--work-dir', type=Path, help='keep the runs here; it must be empty')
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        root = args.work_dir or Path(temporary)
        root.mkdir(parents=True, exist_ok=True)
        prepare(root)
        runs = []
        for name, at_once in (('undisturbed', 1), ('killed', args.at_once)):
            (root / f'{name}.py').write_text(CONFIG.replace('{at_once}', str(at_once)))
            runs.append(Run(root, name, 1, CANDIDATES, 'fast', f'{name}.py'))
        undisturbed, killed = runs
        undisturbed.start()
        if undisturbed.wait():
            raise UserError(f'the undisturbed run failed, see {undisturbed.folder / "output.txt"}')
        total = made(undisturbed)
        print(
            f'undisturbed: {len(finished(undisturbed))} trainings, {total} iterations', flush=True
        )
        generator = random.Random(args.seed)
        order = moments(args.kills, generator)
        done: dict[str, int] = {}
        for number, moment in enumerate(order, 1):
            kill_at(killed, moment, generator)
            done = {**finished(killed), **done}
            print(
                f'kill {number} while {moment}: {len(done)} trainings finished, '
                f'{made(killed)} iterations so far',
                flush=True,
            )
        killed.start()
        if killed.wait():
            raise UserError(f'the resumed run failed, see {killed.folder / "output.txt"}')
        after = finished(killed)
        twice = [name for name, count in done.items() if after[name] != count]
        repeated, wrong = made(killed) - total, differences(killed, undisturbed)
        print()
        kills = Counter(order)
        print_head(*MOMENTS, 'iterations', 'made again', 'finished and made again', 'differences')
        print_row(*(kills[moment] for moment in MOMENTS), total, repeated, len(twice), len(wrong))
        print(*wrong, sep='\n')
        sys.exit(bool(wrong or twice or repeated > args.kills * INTERVAL * args.at_once))


if __name__ == '__main__':
    main()
