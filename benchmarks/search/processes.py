"""One search in one process on one core, in one process on two, and in two processes on two.

    python benchmarks/search/processes.py --data work_dirs/demo/data \
        --supernet work_dirs/demo/supernet/iter_500.pth

Runs tools/search.py and tools/dist_search.sh on configs/demo/bfbox_search_demo.py, with one thread for
the networks of each process; beside it a process has threads that suppress boxes and measure. Counted is
the time of scoring: of the process that scored longest, without starting up and without the report.
Linux only: processes are bound to cores.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

from benchmarks.common.scripts import add_demo_data, new_parser, print_head, print_row

ROOT = Path(__file__).resolve().parents[2]


def search(
    processes: int, cores: int, args: argparse.Namespace, folder: Path
) -> tuple[float, dict[int, dict]]:
    """Search; return the seconds of scoring and each candidate's scores."""
    port = str(29500 + os.getpid() % 1000)
    env = {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHON': sys.executable, 'PORT': port}
    rest = ['--work-dir', str(folder), '--data-root', args.data]
    rest += ['--candidates', str(args.candidates), '--cfg-options', 'search.export=0']
    command = [
        sys.executable,
        str(ROOT / 'tools/search.py'),
        'demo/bfbox_search_demo',
        args.supernet,
    ]
    if processes > 1:
        script = str(ROOT / 'tools/dist_search.sh')
        command = ['bash', script, 'demo/bfbox_search_demo', args.supernet, str(processes)]
    # The scorer counts the cores that it may use.
    mine = sorted(os.sched_getaffinity(0))[:cores]
    subprocess.run(
        [*command, *rest], env=env, check=True, stdout=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, mine),
    )  # fmt: skip
    seconds, scores = [], {}
    for file in folder.glob('candidates*.jsonl'):
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        seconds.append(sum(line['seconds'] for line in lines))
        scores |= {line['index']: line['scores'] for line in lines}
    return max(seconds), scores


def main() -> None:
    parser = new_parser(__doc__)
    add_demo_data(parser)
    parser.add_argument('--candidates', type=int, default=200, help='candidates of each search')
    args = parser.parse_args()
    results = {}
    for processes, cores in ((1, 1), (1, 2), (2, 2)):
        with tempfile.TemporaryDirectory() as folder:
            results[processes, cores] = search(processes, cores, args, Path(folder))
    first_seconds, first_scores = results[1, 1]
    same = all(scores == first_scores for _, scores in results.values())
    print_head('processes', 'cores', 'candidates an hour', 'of one on one core')
    for (processes, cores), (seconds, scores) in results.items():
        rate = 3600 * len(scores) / seconds
        print_row(processes, cores, f'{rate:.0f}', f'{first_seconds / seconds:.2f} x')
    print(f'\n{args.candidates} candidates, scores {"the same" if same else "DIFFERENT"}')


if __name__ == '__main__':
    main()
