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
HEAD = ('file', 'size', 'trained on', 'easy', 'medium', 'hard', 'onnxruntime', 'OpenVINO')
ENGINES = HEAD[-2:]
SUBSETS = ('easy', 'medium', 'hard')


def listed(model: dict[str, Any]) -> dict[str, Any]:
    """What the model index says of a model."""
    file = ROOT / 'configs' / Path(model['config']).parent / 'metafile.yml'
    models = yaml.safe_load(file.read_text(encoding='utf-8'))['Models']
    return next(one for one in models if one['Name'] == Path(model['config']).stem)


def rows(model: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """A row for each file of a model: as it was trained, then as it ships."""
    weights, scores = listed(model)['Weights'], listed(model)['Results'][0]['Metrics']
    trained_on = model['trained_on'].partition(' of ')[0]
    values = [percent(scores[f'{subset} AP']) for subset in SUBSETS]
    yield (f'`{weights}`', megabytes(ROOT / weights), trained_on, *values, '', '')
    for file in model['files']:
        values = [percent(file[subset]) for subset in SUBSETS]
        times = [f'{file["milliseconds"][engine]} ms' for engine in ENGINES]
        size = megabytes(FILES / file['file'])
        yield (f'`{file["file"]}`', size, trained_on, *values, *times)


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
    (model,) = models
    macs = listed(model)['Metadata']['Detector MACs at 640x480 (G)']
    note = (
        f'{macs:.2f} G multiply-adds for one VGA picture. Trained on {model["trained_on"]}; AP in % on',
        f'{model["tested_on"]}, long side 640: not comparable with published figures. Times:',
        f'{model["measured"]}.',
    )
    return '\n'.join((text, '', *note, ''))


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
