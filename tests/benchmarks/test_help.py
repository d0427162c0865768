"""Every benchmark explains itself, and benchmarks/README.md names all of them and no others."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / 'benchmarks'
SCRIPTS = sorted(
    str(path.relative_to(ROOT))
    for path in BENCHMARKS.glob('*/*.py')
    if path.parent.name != 'common'
)

HELP_OF_ALL = """
import contextlib, io, json, runpy, sys
known, texts = list(sys.path), {}
for script in sys.argv[2:]:
    # Each has to find the checkout by itself.
    sys.path[:] = known
    for name in [name for name in sys.modules if name.split('.')[0] == 'benchmarks']:
        del sys.modules[name]
    path = f'{sys.argv[1]}/{script}'
    sys.argv, before = [path, '--help'], sys.argv
    with contextlib.redirect_stdout(io.StringIO()) as text, contextlib.suppress(SystemExit):
        runpy.run_path(path, run_name='__main__')
    sys.argv = before
    texts[script] = text.getvalue()
print(json.dumps(texts))
"""


@pytest.fixture(scope='module')
def help_of(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What ``--help`` of each script prints, started from somewhere else; all in one process."""
    environment = {**os.environ, 'COLUMNS': '200'}
    environment.pop('PYTHONPATH', None)
    done = subprocess.run(
        [sys.executable, '-c', HELP_OF_ALL, str(ROOT), *SCRIPTS],
        cwd=tmp_path_factory.mktemp('elsewhere'),
        env=environment,
        capture_output=True,
        text=True,
    )
    assert not done.returncode, done.stderr
    texts: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return texts


def commands() -> list[list[str]]:
    """The words behind ``python`` of each command of the README."""
    text = (BENCHMARKS / 'README.md').read_text()
    return [command.split() for command in re.findall(r'`python ([^`]*)`', text)]


@pytest.mark.parametrize('script', SCRIPTS)
def test_help_shows_an_example_and_says_what_every_option_is(
    script: str, help_of: dict[str, str]
) -> None:
    text = help_of[script]
    assert f'python {script}' in text
    # An option of which argparse has nothing to say is a line that ends in its own name.
    bare = re.findall(r'^  (--[a-z-]+(?: [A-Z_]+)?)$(?!\n {10})', text, re.MULTILINE)
    assert not bare, f'{script} has options without a word: {bare}'


def test_the_readme_lists_all_scripts_and_no_others() -> None:
    assert {words[0] for words in commands()} == set(SCRIPTS)


def test_options_in_the_readme_exist(help_of: dict[str, str]) -> None:
    for script, *words in commands():
        for option in (word for word in words if word.startswith('--')):
            assert option in help_of[script], f'{script} has no {option}'
