"""What the harness prints, and the files that repeat a fault."""

from __future__ import annotations

import re
from pathlib import Path

from mmbfbox.utils.fingerprint import fingerprint
from tests.abuse.hunt import Found, Hunt
from tests.abuse.verdict import FAULTS, REFUSED, WORKED


def progress(hunt: Hunt, name: str, left: float) -> str:
    """One line after a strategy's turn."""
    counts = hunt.counts[name]
    told = ', '.join(f'{number} {kind}' for kind, number in counts.most_common())
    return f'{max(left, 0) / 60:5.1f} min left  {name:<12} {sum(counts.values()):>5} cases: {told}'


def summary(hunt: Hunt) -> str:
    """What was tried, and what came of it."""
    kinds = (WORKED, REFUSED, *FAULTS)
    heads = ['', 'cases', *kinds]
    rows = [
        [name, str(counts.total()), *(str(counts[kind]) for kind in kinds)]
        for name, counts in hunt.counts.items()
    ]
    every = [sum(int(row[at]) for row in rows) for at in range(1, len(heads))]
    rows.append(['all', *map(str, every)])
    widths = [max(len(row[at]) for row in [heads, *rows]) for at in range(len(heads))]
    lines = [
        '  '.join(cell.rjust(width) for cell, width in zip(row, widths)) for row in [heads, *rows]
    ]
    lines.append('\nwhat was tried')
    for name, tried in hunt.tried.items():
        told = ', '.join(f'{what} {number}' for what, number in sorted(tried.items()))
        lines.append(f'{name}: {told}')
    return '\n'.join(lines)


def save(hunt: Hunt, folder: Path) -> str:
    """Write for each fault what repeats it and what it printed, and list them, the most frequent first."""
    if not hunt.faults:
        return '\nno fault'
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f'\n{len(hunt.faults)} different faults']
    for name, found in sorted(hunt.faults.items(), key=lambda item: -item[1].times):
        path = folder / f'{_file_name(name)}.json'
        path.write_text(found.case.to_json() + '\n')
        path.with_suffix('.log').write_text(found.log)
        lines.append(f'{found.times:4d} x  {describe(name, found)}')
        lines.append(f'        python -m tests.abuse --repeat {path}')
    return '\n'.join(lines)


def describe(name: str, found: Found) -> str:
    """A fault in two lines: its name, and what was tried and said."""
    said = found.log.strip().splitlines()[-1:]
    return f'{name}\n        {": ".join([found.case.what, *said])[:200]}'


def _file_name(name: str) -> str:
    short = re.sub(r'[^A-Za-z0-9]+', '-', name.replace('mmbfbox/', '')).strip('-')[:80]
    return f'{short}-{fingerprint(name.encode())[:4]}'
