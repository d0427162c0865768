"""The table of models, from what was measured, wherever a document has a place for it.

    python docs/building/model_tables.py

benchmarks/records/packaged.json says what was measured of the files that the package brings; AP in torch
comes from the record of the training, sizes from the files, multiply-adds from the model index. Documents
hold the table between ``<!-- models -->`` and ``<!-- /models -->``.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
MEASURED = ROOT / 'benchmarks' / 'records' / 'packaged.json'
FILES = ROOT / 'mmbfbox' / 'deploy' / 'weights'
DOCUMENTS = [ROOT / 'README.md', *(ROOT / 'docs' / name for name in ('models.md', 'results.md'))]
_PLACE = re.compile(r'(<!-- models -->\n).*?(<!-- /models -->)', re.DOTALL)
HEAD = (
    'file',
    'size',
    'multiply-adds at VGA',
    'trained on',
    'easy',
    'medium',
    'hard',
    'one core, VGA',
)


def rows(model: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """A row for each file of a model: as it was trained, then as it ships."""
    folder = ROOT / 'configs' / Path(model['config']).parent
    models = yaml.safe_load((folder / 'metafile.yml').read_text(encoding='utf-8'))['Models']
    (listed,) = (one for one in models if one['Name'] == Path(model['config']).stem)
    macs = f'{listed["Metadata"]["Detector MACs at 640x480 (G)"]:.2f} G'
    weights = ROOT / listed['Weights']
    scores = [listed['Results'][0]['Metrics'][f'{name} AP'] for name in ('easy', 'medium', 'hard')]
    common = (macs, model['trained_on'])
    yield (
        f'`{listed["Weights"]}`',
        megabytes(weights),
        *common,
        *map(percent, scores),
        'for training',
    )
    for file in model['files']:
        times = ', '.join(f'{ms} ms {engine}' for engine, ms in file['milliseconds'].items())
        scores = [file[name] for name in ('easy', 'medium', 'hard')]
        size = megabytes(FILES / file['file'])
        yield (f'`{file["file"]}`', size, *common, *map(percent, scores), times)


def megabytes(file: Path) -> str:
    """Size of a file."""
    return f'{file.stat().st_size / 1e6:.2f} MB'


def percent(value: float) -> str:
    """AP in %."""
    return f'{value:.2f}'


def table() -> str:
    """The table as Markdown, with what it was measured on below."""
    models = json.loads(MEASURED.read_text(encoding='utf-8'))
    lines = [HEAD, tuple('---' for _ in HEAD), *(row for model in models for row in rows(model))]
    text = '\n'.join(f'| {" | ".join(line)} |' for line in lines)
    tested, measured = models[0]['tested_on'], models[0]['measured']
    note = f'AP in % on {tested}, long side 640: not comparable with published figures.'
    return f'{text}\n\n{note} Times: {measured}.\n'


def filled(text: str) -> str:
    """A document with the table in its place."""
    return _PLACE.sub(lambda match: f'{match[1]}{table()}{match[2]}', text)


def main() -> None:
    """Write the table into the documents."""
    argparse.ArgumentParser(description=(__doc__ or '').partition('\n')[0]).parse_args()
    for document in DOCUMENTS:
        document.write_text(filled(document.read_text(encoding='utf-8')), encoding='utf-8')


if __name__ == '__main__':
    main()
