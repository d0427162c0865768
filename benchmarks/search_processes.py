"""One search in one process with one thread, and in two processes with one thread each.

    python benchmarks/search_processes.py --data work_dirs/demo/data \
        --supernet work_dirs/demo/supernet/iter_500.pth

Runs tools/search.py and tools/dist_search.sh on configs/demo/search.py. Counted is the time of scoring: of
the process that scored longest, without starting up and without the report.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def search(processes: int, args: argparse.Namespace, folder: Path) -> tuple[float, dict[int, dict]]:
    """Search; return the seconds of scoring and each candidate's scores."""
    port = str(29500 + os.getpid() % 1000)
    env = {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHON': sys.executable, 'PORT': port}
    rest = ['--work-dir', str(folder), '--data-root', args.data]
    rest += ['--candidates', str(args.candidates), '--cfg-options', 'search.export=0']
    command = [sys.executable, str(ROOT / 'tools/search.py'), 'demo/search', args.supernet]
    if processes > 1:
        script = str(ROOT / 'tools/dist_search.sh')
        command = ['bash', script, 'demo/search', args.supernet, str(processes)]
    subprocess.run([*command, *rest], env=env, check=True, stdout=subprocess.DEVNULL)
    seconds, scores = [], {}
    for file in folder.glob('candidates*.jsonl'):
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        seconds.append(sum(line['seconds'] for line in lines))
        scores |= {line['index']: line['scores'] for line in lines}
    return max(seconds), scores


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--data', default='work_dirs/demo/data', help='folder in WIDER layout')
    parser.add_argument('--supernet', default='work_dirs/demo/supernet/iter_500.pth')
    parser.add_argument('--candidates', type=int, default=200)
    args = parser.parse_args()
    results = {}
    for processes in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            results[processes] = search(processes, args, Path(folder))
    same = results[1][1] == results[2][1]
    print('| processes, one thread each | candidates an hour | of one |\n|---|---|---|')
    for processes, (seconds, scores) in results.items():
        rate = 3600 * len(scores) / seconds
        print(f'| {processes} | {rate:.0f} | {results[1][0] / seconds:.2f} x |')
    print(f'\n{args.candidates} candidates, scores {"the same" if same else "DIFFERENT"}')


if __name__ == '__main__':
    main()
