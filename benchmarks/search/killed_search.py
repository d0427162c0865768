"""Kill -9 a search again and again at random moments, and compare it with an undisturbed one.

A small supernet is trained for a few iterations and searched by ``tools/search.py`` in one process, and by
``tools/dist_search.sh`` in two. All processes are killed at once: while starting, while scoring, while a
result is being written, and at the end (report, export). Then one of two processes is killed, and the
other one finishes its work. Every scoring is logged when it starts, so what is scored again is counted.

    python benchmarks/search/killed_search.py --kills 20 --single-kills 6
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

from benchmarks.common.killable_search import Run, prepare
from benchmarks.common.killing import kill
from benchmarks.common.scripts import new_parser, print_head
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.search.loop import CHUNKS_A_PROCESS

MOMENTS = ('starting', 'scoring', 'writing', 'ending')
"""What a search does when it is killed; a fifth of the kills, the last ones, are at its end."""


@dataclass(frozen=True)
class Pace:
    """How long an undisturbed search takes.

    Args:
        start: seconds to the first candidate.
        candidate: seconds for each.
        end: seconds from the last one to the end: report and export.
    """

    start: float
    candidate: float
    end: float


@dataclass(frozen=True)
class Outcome:
    """What came of killing.

    Args:
        kills: how often at which moment.
        in_flight: candidates that had been started and were not written when they were killed.
        repeated: candidates that were started again.
        twice: those of them that had a result already; must be 0.
        differences: from the undisturbed search; must be 0.
    """

    kills: Counter[str]
    in_flight: int
    repeated: int
    twice: int
    differences: int

    def __add__(self, other: Outcome) -> Outcome:
        pairs = zip(vars(self).values(), vars(other).values())
        return Outcome(*(one + another for one, another in pairs))

    def row(self, name: str) -> str:
        """A row of the table."""
        kills = [self.kills[moment] for moment in MOMENTS]
        cells = [name, *kills, self.in_flight, self.repeated, self.twice, self.differences]
        return f'| {" | ".join(map(str, cells))} |'


def undisturbed(run: Run) -> Pace:
    """Let a search run from start to end."""
    times = [time.monotonic()]
    run.start()
    run.wait_until(lambda: bool(run.starts()))
    times.append(time.monotonic())
    run.wait_until(lambda: len(run.written()) == run.candidates)
    times.append(time.monotonic())
    if run.wait():
        raise UserError(f'the undisturbed search failed, see {run.folder / "output.txt"}')
    times.append(time.monotonic())
    start, scoring, end = (after - before for before, after in pairwise(times))
    return Pace(start, scoring / run.candidates, end)


def moments(kills: int, generator: random.Random) -> list[str]:
    """What the search is doing at each kill."""
    late = max(1, round(0.2 * kills))
    names = [name for name in MOMENTS if name != 'ending']
    early = [names[number % len(names)] for number in range(kills - late)]
    generator.shuffle(early)
    return [*early, *['ending'] * late]


def kill_at(run: Run, moment: str, pace: Pace, generator: random.Random) -> None:
    """Start the search, wait for a moment, and kill all of its processes."""
    run.start()
    lived = True
    if moment == 'starting':
        # If it starts sooner than the undisturbed one did, then with its first candidate.
        before = run.starts().total()
        end = time.monotonic() + generator.uniform(0, pace.start)
        lived = run.wait_until(lambda: time.monotonic() > end or run.starts().total() > before)
    elif moment == 'scoring':
        wanted = run.starts().total() + generator.randint(1, run.processes)
        lived = run.wait_until(lambda: run.starts().total() >= wanted)
        time.sleep(generator.uniform(0, pace.candidate))
    elif moment == 'writing':
        before = run.bytes_written()
        lived = run.wait_until(lambda: run.bytes_written() > before)
    else:
        lived = run.wait_until(lambda: len(run.written()) >= run.candidates)
        time.sleep(generator.uniform(0, 0.8 * pace.end))
    if not lived or run.process.poll() is not None:
        raise UserError(f'the search ended before it was killed ({moment}); use more --candidates')
    run.kill()


def finish(run: Run, reference: Run, kills: Counter[str], in_flight: Counter[str]) -> Outcome:
    """Let the search come to its end, and compare it with the undisturbed one."""
    run.start()
    if run.wait():
        raise UserError(f'the resumed search failed, see {run.folder / "output.txt"}')
    repeated = run.starts() - Counter(set(run.starts()))
    lines = Counter(run.written())
    twice = (repeated - in_flight).total() + (lines - Counter(set(lines))).total()
    different = run.differences(reference)
    if different:
        print(f'{run.name} differs in {", ".join(different[:10])}', flush=True)
    return Outcome(kills, in_flight.total(), repeated.total(), twice, len(different))


def kill_all(run: Run, reference: Run, pace: Pace, kills: int, seed: int) -> Outcome:
    """Kill all processes of a search many times."""
    generator = random.Random(seed)
    in_flight: Counter[str] = Counter()
    order = moments(kills, generator)
    for number, moment in enumerate(order, 1):
        before = run.starts()
        kill_at(run, moment, pace, generator)
        now = unfinished(run, before)
        in_flight += now
        print(
            f'{run.name}: kill {number} while {moment}, {len(run.written())} of {run.candidates} '
            f'written, {now.total()} in flight',
            flush=True,
        )
    return finish(run, reference, Counter(order), in_flight)


def kill_one(run: Run, reference: Run, pace: Pace, rank: int, seed: int) -> Outcome:
    """Kill one of two processes while they score; the other one does what it can."""
    generator = random.Random(seed)
    run.start()
    wanted = generator.randint(1, run.candidates // 2)
    run.wait_until(lambda: run.starts().total() >= wanted)
    time.sleep(generator.uniform(0, pace.candidate))
    kill(run.worker(rank))
    if run.wait() == 0:
        raise UserError(f'{run.name}: nobody noticed that a process died')
    in_flight = unfinished(run, Counter())
    left = run.candidates - len(run.written())
    print(
        f'{run.name}: rank {rank} killed after {wanted} starts; the other one left {left} of '
        f'{run.candidates}',
        flush=True,
    )
    # What it had drawn from the shared counter.
    if left > max(1, run.candidates // (CHUNKS_A_PROCESS * run.processes)):
        raise UserError(f'{run.name}: the other one has not finished its work')
    return finish(run, reference, Counter(scoring=1), in_flight)


def unfinished(run: Run, before: Counter[str]) -> Counter[str]:
    """What was started since and is not written."""
    now = run.starts() - before
    for arch in run.written():
        del now[arch]
    return now


@exit_on_user_error
def main() -> None:
    """Run all and compare."""
    parser = new_parser(__doc__)
    parser.add_argument('--kills', type=int, default=20, help='how often each search is killed')
    parser.add_argument(
        '--single-kills', type=int, default=6, help='how often one of two processes is killed'
    )
    parser.add_argument('--candidates', type=int, default=48, help='length of the search')
    parser.add_argument('--scorer', default='fast', help='type of the scorer')
    parser.add_argument('--seed', type=int, default=0, help='seed of the moments')
    parser.add_argument('--work-dir', type=Path, help='keep the searches here; it must be empty')
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        root = args.work_dir or Path(temporary)
        root.mkdir(parents=True, exist_ok=True)
        prepare(root)

        def new(name: str, processes: int) -> Run:
            return Run(root, name, processes, args.candidates, args.scorer)

        outcomes: dict[str, Outcome] = {}
        for processes in (1, 2):
            reference = new(f'undisturbed-{processes}', processes)
            pace = undisturbed(reference)
            print(f'{reference.name}: {pace}', flush=True)
            if processes == 1:
                alone = reference
            run = new(f'killed-{processes}', processes)
            name = 'one process' if processes == 1 else 'two processes, both killed'
            outcomes[name] = kill_all(run, alone, pace, args.kills, args.seed + processes)
        singles = [
            kill_one(new(f'one-dies-{number}', 2), alone, pace, number % 2, args.seed + number)
            for number in range(args.single_kills)
        ]
        if singles:
            outcomes['two processes, one killed'] = sum(singles[1:], singles[0])
        head = ['search', *MOMENTS, 'in flight', 'started again', 'scored twice', 'differences']
        print()
        print_head(*head)
        print(*(outcome.row(name) for name, outcome in outcomes.items()), sep='\n')
        sys.exit(any(outcome.twice or outcome.differences for outcome in outcomes.values()))


if __name__ == '__main__':
    main()
