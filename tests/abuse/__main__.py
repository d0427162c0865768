"""Look for inputs that the tools answer neither with a result nor with one sentence.

python -m tests.abuse --minutes 20 --seed 0
python -m tests.abuse --repeat work_dirs/abuse/FAULT.json
"""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
import time
from pathlib import Path

from tests.abuse.case import Case
from tests.abuse.client import LIBRARIES, OF_TRAINING, Client
from tests.abuse.hunt import Hunt
from tests.abuse.material import Material
from tests.abuse.report import describe, progress, save, summary
from tests.abuse.strategies import OF_CHAIN, STRATEGIES

TURNS = {
    'configs': 6,
    'annotations': 16,
    'predictions': 16,
    'images': 10,
    'work dirs': 6,
    'search settings': 8,
}
"""Cases of a strategy before it is the next one's turn: fewer where each takes longer."""


def main() -> None:
    """Hunt, or repeat one case."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument('--minutes', type=float, default=5, help='how long; 5 by default')
    parser.add_argument('--seed', type=int, default=0, help='another seed, other cases; 0')
    parser.add_argument('--only', choices=STRATEGIES, nargs='+', help='these strategies only')
    parser.add_argument(
        '--out', type=Path, default=Path('work_dirs/abuse'), help='for what is found'
    )
    parser.add_argument('--repeat', type=Path, help='run the case in this file once more')
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        client = Client(Path(temporary), (*LIBRARIES, *OF_TRAINING))
        material = Material(client, Path(temporary) / 'material')
        hunt = Hunt(client, Path(temporary) / 'case')
        try:
            if args.repeat:
                sys.exit(repeat(args.repeat, client, material))
            search(hunt, material, args)
        except KeyboardInterrupt:
            print('stopped; what was found so far:')
        finally:
            client.close()
            if hunt.counts:
                print(f'\n{summary(hunt)}\n{save(hunt, args.out)}')
    sys.exit(bool(hunt.faults))


def search(hunt: Hunt, material: Material, args: argparse.Namespace) -> None:
    """Go through the strategies in turn until the time is over."""
    names = args.only or list(STRATEGIES)
    start = time.monotonic()
    chain = material.chain() if set(names) & set(OF_CHAIN) else material.faces()
    print(f'the material took {time.monotonic() - start:.0f} s', flush=True)
    end, turn = time.monotonic() + 60 * args.minutes, 0
    cases = {name: STRATEGIES[name](chain) for name in names}
    while time.monotonic() < end:
        name = names[turn % len(names)]
        known = set(hunt.faults)
        hunt.go(name, cases[name], chain, TURNS[name], args.seed * 10_000 + turn)
        turn += 1
        print(progress(hunt, name, end - time.monotonic()), flush=True)
        for fault in set(hunt.faults) - known:
            print(f'    {describe(fault, hunt.faults[fault])}', flush=True)


def repeat(path: Path, client: Client, material: Material) -> int:
    """Run one case again, in a folder that stays."""
    case = Case.from_json(path.read_text())
    folder = path.with_suffix('')
    hunt = Hunt(client, folder)
    verdict, log = hunt.run(case, material.chain())
    case.prepare(material.chain(), folder)
    print(log)
    print(f'{verdict}\nin {folder}: python {shlex.join([str(case.script), *case.arguments])}')
    return int(verdict.is_fault)


if __name__ == '__main__':
    main()
