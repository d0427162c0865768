"""Whether the fast scorer stays within the memory that it was given.

    python benchmarks/search/cache_memory.py --data work_dirs/demo/data

Each budget is measured in a process of its own: the half-width supernet of the paper's space, consecutive
candidates of a search of 1,000. "Above none" is the peak of the process above that with a budget of zero.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

from benchmarks.common.scripts import add_demo_data, new_parser, print_head, print_row
from benchmarks.common.searches import wide_search
from mmbfbox.models import space_of
from mmbfbox.search.scoring.fast import FastScorer

BUDGETS = (0.0, 0.02, 0.1, 0.5, 4.0)


def measure(data: str, budget: float, candidates: int) -> None:
    """Score with this budget, and print what it took as JSON."""
    config, weights, model = wide_search(data)
    space = space_of(model)
    scorer = FastScorer(config, weights, 'cpu', cache_memory=budget, image_memory=budget)
    archs = scorer.prepare({space.sample(0, index) for index in range(1000)})
    kept = 0
    hard = []
    start = time.perf_counter()
    for arch in archs[500 : 500 + candidates]:
        hard.append(scorer.score(arch)['hard'])
        kept = max(kept, scorer.cache.used)
    seconds = (time.perf_counter() - start) / candidates
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps(dict(kept=kept / 2**30, peak=peak, seconds=seconds, hard=hard)))


def main() -> None:
    parser = new_parser(__doc__)
    add_demo_data(parser, supernet=False)
    parser.add_argument('--candidates', type=int, default=8, help='candidates for each budget')
    parser.add_argument('--budget', type=float, help='measure this one only, and print JSON')
    args = parser.parse_args()
    if args.budget is not None:
        measure(args.data, args.budget, args.candidates)
        return
    print_head('cache_memory, GiB', 'kept at most', 'peak of the process', 'above none',
               's a candidate', 'scores')  # fmt: skip
    first = None
    for budget in BUDGETS:
        command = [sys.executable, __file__, '--data', args.data, '--budget', str(budget)]
        command += ['--candidates', str(args.candidates)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        row = json.loads(done.stdout.splitlines()[-1])
        first = first or row
        same = 'the same' if row['hard'] == first['hard'] else 'DIFFERENT'
        above = row['peak'] - first['peak']
        sizes = f'{row["kept"]:.3f}', f'{row["peak"]:.2f} GiB', f'{above:.2f} GiB'
        print_row(f'{budget:g}', *sizes, f'{row["seconds"]:.2f}', same)


if __name__ == '__main__':
    main()
