"""Every config is listed once, with what is true of it, and explained by the README beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.building.model_index import MEASURED, folders, index, metafile, network
from docs.building.model_tables import DOCUMENTS, filled
from mmbfbox.reproduce.tables import TABLES, config_name
from mmbfbox.utils.config import load_config

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = {file for file in ROOT.glob('configs/**/*.py') if '_base_' not in file.parts}
METAFILES = sorted(ROOT.glob('configs/**/metafile.yml'))
READMES = sorted(ROOT.glob('configs/**/README.md'))
LISTED: dict[Path, dict[str, Any]] = {file: yaml.safe_load(file.read_text()) for file in METAFILES}
MODELS = [(file, model) for file, content in LISTED.items() for model in content['Models']]


def test_every_config_is_named_by_exactly_one_metafile_the_one_in_its_folder():
    named = [ROOT / model['Config'] for _, model in MODELS]
    assert len(named) == len(set(named)) and set(named) == CONFIGS
    for file, model in MODELS:
        config = ROOT / model['Config']
        assert config.parent == file.parent and config.stem == model['Name']
    names = [model['Name'] for _, model in MODELS]
    assert len(names) == len(set(names)), 'they name work dirs'


def test_the_index_names_every_metafile_and_every_collection_is_defined_once():
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']
    assert sorted(ROOT / file for file in index) == METAFILES
    collections = [one for content in LISTED.values() for one in content.get('Collections', [])]
    names = [collection['Name'] for collection in collections]
    assert len(names) == len(set(names))
    assert {model['In Collection'] for _, model in MODELS} == set(names)
    assert all((ROOT / collection['README']).is_file() for collection in collections)


def test_a_config_is_in_the_collection_that_its_name_says():
    for _, model in MODELS:
        assert ('/bfbox_' in model['Config']) == (model['In Collection'] == 'BFBox')


def test_every_result_is_one_that_the_docs_report():
    docs = '\n'.join(file.read_text() for file in ROOT.glob('docs/**/*.md'))
    results = [result for _, model in MODELS for result in model.get('Results', [])]
    assert results
    for result in results:
        row = ' | '.join(f'{value:.2f}' for value in result['Metrics'].values())
        assert f'| {row} |' in docs


@pytest.mark.parametrize('folder', folders(), ids=lambda folder: folder.name)
def test_a_metafile_is_what_its_configs_and_the_records_say(folder: Path):
    told = 'run: python docs/building/model_index.py'
    assert (folder / 'metafile.yml').read_text() == metafile(folder, measure=False), told


def test_the_index_is_what_the_folders_say():
    assert (ROOT / 'model-index.yml').read_text() == index()


@pytest.mark.parametrize(
    'name',
    [
        'light/0.5g/bfbox_reference_long_light-0.5g_wider_mini',
        'light/0.5g/bfbox_search_light-0.5g_wider_mini',
        'demo/bfbox_supernet_demo',
        'demo/retinanet_r18_fpn_demo',
    ],
)
def test_sizes_are_those_of_the_network_that_the_config_builds(name: str):
    (model,) = (model for _, model in MODELS if model['Config'] == f'configs/{name}.py')
    said = {key: model['Metadata'][key] for key in MEASURED if key in model['Metadata']}
    assert said == network(load_config(name))


@pytest.mark.parametrize('document', DOCUMENTS, ids=lambda document: document.name)
def test_the_table_of_models_is_what_was_measured(document: Path):
    text = document.read_text()
    assert '| `bfbox_0.5g.onnx` |' in text
    assert filled(text) == text, 'run: python docs/building/model_tables.py'


def test_the_card_says_what_the_table_says():
    (model,) = json.loads((ROOT / 'benchmarks' / 'records' / 'packaged.json').read_text())
    card = (ROOT / model['card']).read_text()
    for file in model['files']:
        scores = ' / '.join(f'{file[name]:.2f}' for name in ('easy', 'medium', 'hard'))
        assert f'{file["precision"]} {scores}' in card
        for milliseconds in file['milliseconds'].values():
            assert str(milliseconds) in card


def links(readme: Path) -> set[Path]:
    """The files that a README links to."""
    found = re.findall(r'\]\(([^)#]+)', readme.read_text())
    return {(readme.parent / link).resolve() for link in found}


@pytest.mark.parametrize('readme', READMES, ids=lambda readme: readme.parent.name)
def test_a_readme_links_to_every_config_beside_it_and_to_nothing_that_is_not_there(readme: Path):
    assert {config for config in CONFIGS if config.parent == readme.parent} <= links(readme)
    assert [link for link in links(readme) if not link.exists()] == []


def test_every_metafile_has_a_readme_and_every_readme_a_metafile():
    assert {file.parent for file in METAFILES} == {file.parent for file in READMES}


@pytest.mark.parametrize('table', TABLES)
def test_the_readme_of_a_table_gives_its_command_and_the_configs_of_all_its_rows(table: str):
    readme = ROOT / 'configs/paper' / table / 'README.md'
    assert f'python tools/reproduce.py {table}\n' in readme.read_text()
    needed = {name for row in TABLES[table] for name in (row.config, *row.searches)}
    assert {ROOT / f'configs/{config_name(name)}.py' for name in needed} <= links(readme)
