"""The model index in mmdet's form: ``model-index.yml`` and the ``metafile.yml`` of each folder of configs.

    python docs/building/model_index.py

Iterations and candidates come from the configs, parameters and multiply-adds from the networks that they
build, results from the records of trainings in benchmarks/records. What neither of them says (the data,
results of runs without a record, collections) stays as it stands. A new config gets an entry, and one that
is gone loses its own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import yaml
from mmengine import Config

from mmbfbox.artifacts.run_record import RunRecord
from mmbfbox.export.supernet import build_without_storage
from mmbfbox.models import traced_macs
from mmbfbox.utils.config import load_config

ROOT = Path(__file__).resolve().parents[2]
INDEX = ROOT / 'model-index.yml'
RECORDS = ROOT / 'benchmarks' / 'records'
SIZES = {
    'Backbone MACs at 224x224 (G)': (0, (224, 224)),
    'Detector MACs at 640x480 (G)': (1, (480, 640)),
    'Detector MACs at 640x640 (G)': (1, (640, 640)),
}
"""Which of a network's two multiply-adds, and height and width."""
MEASURED = ('Parameters (M)', *SIZES)
OTHERS = 'pool_scores', 'finalists'
"""Folders of records of no trainings, or of trainings that were scored on other images than the test's."""
DEMO_IMAGES = 'images of make demo'
WEIGHTS = {'bfbox_searched_large_light-0.5g_wider_mini': 'weights/bfbox_0.5g.pth'}
"""Weights that the checkout holds."""


def folders() -> list[Path]:
    """The folders of configs that are run, the demo first."""
    files = [path for path in (ROOT / 'configs').rglob('*.py') if '_base_' not in path.parts]
    return sorted({path.parent for path in files})


def metafile(folder: Path, measure: bool = True) -> str:
    """The text of a folder's metafile.

    Args:
        folder: of configs.
        measure: build the networks; else what the file says of their size stays.
    """
    path = folder / 'metafile.yml'
    content = yaml.safe_load(path.read_text(encoding='utf-8')) if path.is_file() else {}
    known = {model['Name']: model for model in content.get('Models', [])}
    configs = {path.stem: path for path in sorted(folder.glob('*.py'))}
    names = [name for name in known if name in configs]
    names += [name for name in configs if name not in known]
    models = [entry(configs[name], known.get(name, {}), measure) for name in names]
    return to_yaml({**content, 'Models': models})


def entry(path: Path, known: Mapping[str, Any], measure: bool) -> dict[str, Any]:
    """What the index says of a config.

    Args:
        path: of the config.
        known: what it has said so far.
        measure: build the network.
    """
    config, said = load_config(path), dict(known.get('Metadata', {}))
    length = (
        {'Candidates': config.search.candidates}
        if 'search' in config
        else {'Iterations': config.train_cfg.max_iters}
    )
    sizes = network(config) if measure else {k: said[k] for k in MEASURED if k in said}
    collection = 'BFBox' if path.stem.startswith('bfbox_') else 'RetinaNet'
    results = recorded(path) or known.get('Results')
    weights = WEIGHTS.get(path.stem)
    return {
        'Name': path.stem,
        'In Collection': known.get('In Collection', collection),
        'Config': path.relative_to(ROOT).as_posix(),
        'Metadata': {'Training Data': said.get('Training Data', 'WIDER FACE'), **length, **sizes},
        **({'Results': results} if results else {}),
        **({'Weights': weights} if weights else {}),
    }


def network(config: Config) -> dict[str, float]:
    """Parameters and multiply-adds of a config's network; of a supernet, whose cost is not one number, the
    parameters alone; nothing for a search and for a training without a model."""
    if 'search' in config or not config.get('model'):
        return {}
    detector = build_without_storage(config.model).eval()
    sizes = {'Parameters (M)': short(sum(p.numel() for p in detector.parameters()) / 1e6)}
    if config.model.backbone.type.startswith('Searchable'):
        return sizes
    counted = {what: traced_macs(detector, size)[part] for what, (part, size) in SIZES.items()}
    return sizes | {what: short(macs / 1e9) for what, macs in counted.items()}


def recorded(path: Path) -> list[dict[str, Any]]:
    """The results of a config from the records of its trainings as it is: the mean over their seeds."""
    name = path.relative_to(ROOT / 'configs').as_posix()
    files = (file for file in RECORDS.glob('*/*.json') if file.parent.name not in OTHERS)
    records = [RunRecord.read(file) for file in sorted(files)]
    same = [r for r in records if r.config == name and not r.options and not r.arch]
    if not same:
        return []
    # Tests with other statistics have a longer name.
    first = min((record.name for record in same), key=len)
    seeds = [record for record in same if record.name == first]
    means = {
        f'{key} AP': round(100 * fmean(record.scores[key] for record in seeds), 2)
        for key in seeds[0].scores
    }
    images = DEMO_IMAGES if name.startswith('demo/') else 'wider_mini'
    return [{'Task': 'Face Detection', 'Dataset': images, 'Metrics': means}]


def short(value: float) -> float:
    """Four digits."""
    return float(f'{value:.4g}')


class _Indented(yaml.SafeDumper):
    """Lists stand deeper than their keys, as mmdet writes them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def to_yaml(content: Mapping[str, Any]) -> str:
    """As mmdet writes it, with an empty line between models."""
    text = yaml.dump(dict(content), Dumper=_Indented, sort_keys=False, width=110)
    for start in ('  - Name: ', 'Models:'):
        text = text.replace(f'\n{start}', f'\n\n{start}')
    return text.replace(':\n\n  - Name: ', ':\n  - Name: ')


def index() -> str:
    """The text of ``model-index.yml``."""
    files = [(folder / 'metafile.yml').relative_to(ROOT).as_posix() for folder in folders()]
    return to_yaml({'Import': files})


def main() -> None:
    """Write all of them."""
    argparse.ArgumentParser(description=(__doc__ or '').partition('\n')[0]).parse_args()
    for folder in folders():
        text = metafile(folder)
        (folder / 'metafile.yml').write_text(text, encoding='utf-8')
    INDEX.write_text(index(), encoding='utf-8')


if __name__ == '__main__':
    main()
