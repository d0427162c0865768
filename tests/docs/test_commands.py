"""What the documents say can be typed, and what they name is there."""

from __future__ import annotations

import argparse
import ast
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config

from mmbfbox.deploy.command.parsing import make_parser
from mmbfbox.errors import UserError
from mmbfbox.utils.config import configs_dir, find_config, load_config
from tests.docs.documents import (
    ROOT,
    Command,
    commands,
    documents,
    links,
    named_files,
    python_blocks,
)
from tests.docs.parsers import options_of, parser_of

MAKEFILE = (ROOT / 'Makefile').read_text(encoding='utf-8')
TARGETS = set(re.findall(r'^([\w-]+):', MAKEFILE, re.MULTILINE))
GROUPS = [folder.name for folder in configs_dir().iterdir() if folder.is_dir()]
# Scripts that start a tool in several processes: name, and how many words come before the tool's own.
LAUNCHERS = {
    'dist_train.sh': ('train', 2, (0,)),
    'dist_test.sh': ('test', 3, (0, 1)),
    'dist_search.sh': ('search', 3, (0, 1)),
    'slurm_train.sh': ('train', 1, (0,)),
    'slurm_search.sh': ('search', 2, (0, 1)),
}

each_document = pytest.mark.parametrize(
    'document', documents(), ids=lambda path: path.relative_to(ROOT).as_posix()
)


@each_document
def test_every_command_can_be_typed(document: Path) -> None:
    problems = [
        f'{command}: {why}' for command in commands(document) for why in problems_of(command)
    ]
    assert not problems, '\n'.join(problems)


@each_document
def test_every_named_file_and_link_is_there(document: Path) -> None:
    roots = (ROOT, ROOT / 'mmbfbox', document.parent)
    own = tuple(
        f'{folder.name}/'
        for root in roots[:2]
        for folder in root.iterdir()
        if folder.is_dir() and folder.name != 'work_dirs'  # what commands make
    )
    missing = [
        name
        for name in named_files(document)
        if name.startswith(own) and not any((root / name).exists() for root in roots)
    ]
    missing += [target for target in links(document) if not (document.parent / target).exists()]
    assert not missing


@each_document
def test_every_python_block_compiles_and_its_names_exist(document: Path, tmp_path: Path) -> None:
    for number, block in enumerate(python_blocks(document)):
        tree = ast.parse(block)
        for statement in tree.body:
            if isinstance(statement, (ast.Import, ast.ImportFrom)):
                exec(compile(ast.Module([statement], []), str(document), 'exec'), {})
        if tree.body and all(isinstance(statement, ast.Assign) for statement in tree.body):
            check_config(block, tmp_path / f'block{number}.py')


def test_the_patch_of_the_tutorial_applies(tmp_path: Path) -> None:
    text = (ROOT / 'docs' / 'tutorials' / 'add_a_block.md').read_text(encoding='utf-8')
    (patch,) = re.findall(r'^```diff\n(.*?)^```', text, re.MULTILINE | re.DOTALL)
    touched = re.findall(r'^--- a/(.*)$', patch, re.MULTILINE)
    for name in touched:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    # Whoever has just followed it has it already.
    done = 'def _plain' in (tmp_path / touched[0]).read_text(encoding='utf-8')
    applied = subprocess.run(
        ['git', 'apply', *(['--reverse'] if done else []), '-'],
        cwd=tmp_path,
        input=patch,
        text=True,
        capture_output=True,
    )
    assert not applied.returncode, applied.stderr
    texts = [(tmp_path / name).read_text(encoding='utf-8') for name in touched]
    assert all(('plain' in text) != done for text in texts)


@pytest.mark.parametrize(
    'line',
    [
        'make tset',
        'mmbfbox detcet photo.jpg',
        'mmbfbox detect photo.jpg --modle model.onnx',
        'make demo BUGDET=small',
        'pytest tests/no_such_folder',
        'python tools/no_such_tool.py',
        'bash docs/demo/no_such_script.sh page',
        'python tools/train.py paper/bfbox_supernet_wider_face --wrok-dir here',
        'python tools/train.py paper/no_such_config',
        'python tools/train.py',
        'python tools/train.py demo/bfbox_supernet_demo --cfg-options model.bakbone.depth=3',
        'tools/dist_train.sh paper/bfbox_supernet_wider_face 4 --no-such-option',
    ],
)
def test_a_wrong_command_is_found(line: str) -> None:
    assert problems_of(Command(tuple(line.split()), whole=True))


def problems_of(command: Command) -> list[str]:
    """What is wrong with a command."""
    try:
        return check(command)
    except UserError as error:
        return [str(error)]


def check(command: Command) -> list[str]:
    """What is wrong with a command."""
    program, *words = command.words
    if program == 'make':
        return check_make(words)
    if program == 'mmbfbox' or words[:2] == ['-m', 'mmbfbox']:
        return check_mmbfbox(words if program == 'mmbfbox' else words[2:], command.whole)
    if program == 'pytest' or words[:2] == ['-m', 'pytest']:
        paths = [word.split('::')[0] for word in words if '/' in word]
        return [f'there is no {path}' for path in paths if not (ROOT / path).exists()]
    if program == 'bash':
        return [] if (ROOT / words[0]).is_file() else [f'there is no {words[0]}']
    if program.endswith('.sh'):
        return check_launcher(Path(program).name, words, command.whole)
    if words[:1] == ['-m'] and words[1].startswith('mmbfbox.tools.'):
        tool = words[1].removeprefix('mmbfbox.tools.')
        return check_script(f'tools/{tool}.py', words[2:], command.whole)
    if words[:1] and words[0].endswith('.py'):
        return check_script(words[0], words[1:], command.whole)
    return []


def check_mmbfbox(words: list[str], whole: bool) -> list[str]:
    """What the parser of the package's own command says."""
    parser = make_parser()
    wrong = [f'no option {o}' for o in options_in(words) if o not in options_of(parser)]
    if not wrong and whole:
        try:
            parser.parse_args(words)
        except SystemExit:
            return ['the parser refuses it']
    return wrong


def check_make(words: list[str]) -> list[str]:
    """Targets and variables that the Makefile does not have."""
    wrong = []
    for word in words:
        name, assigned, _ = word.partition('=')
        if not name.startswith('-') and not (name in MAKEFILE if assigned else name in TARGETS):
            wrong.append(f'make knows no {name}')
    return wrong


def check_launcher(script: str, words: list[str], whole: bool) -> list[str]:
    """What is wrong with a start in several processes."""
    if script not in LAUNCHERS or not (ROOT / 'tools' / script).is_file():
        return [f'there is no tools/{script}']
    tool, before, own = LAUNCHERS[script]
    words = [words[i] for i in own if i < len(words)] + words[before:]
    return check_script(f'tools/{tool}.py', words, whole)


def check_script(script: str, words: list[str], whole: bool) -> list[str]:
    """What a script's own parser, and its config, say of the arguments."""
    if not (ROOT / script).is_file():
        return [f'there is no {script}']
    parser = parser_of(script)
    wrong = [f'no option {o}' for o in options_in(words) if o not in options_of(parser)]
    wrong += [f'no config {w}' for w in words if is_config(w) and not config_exists(w)]
    if wrong or not whole or any('...' in word for word in words):
        return wrong
    words = [re.sub(r'^[A-Z]$', '1', word) for word in words]
    try:
        args = parser.parse_args(words)
    except SystemExit:
        return [f'the parser refuses it; {parser.format_usage()}']
    return check_options(args)


def check_options(args: argparse.Namespace) -> list[str]:
    """Options of a config that fit nothing in it."""
    options = getattr(args, 'cfg_options', None) or {}
    if not options or not is_config(str(args.config)):
        return []
    load_config(args.config, options)
    plain = load_config(args.config)
    return [
        f'{args.config} has no {key}' for key in options if not has_parents(plain, key.split('.'))
    ]


def has_parents(config: Any, parts: list[str]) -> bool:
    """Whether the first two parts of a key exist, if it has more; a tool may add what is deeper."""
    for part in parts[:2] if len(parts) > 2 else parts[:1]:
        config = config[int(part)] if isinstance(config, list) else config.get(part, None)
        if config is None:
            return len(parts) < 3
    return True


def options_in(words: list[str]) -> list[str]:
    """The options among the words."""
    return [word.split('=')[0] for word in words if word.startswith('--')]


def is_config(word: str) -> bool:
    """Whether a word is meant as the name of a config of the package."""
    name = word.removeprefix('configs/')
    return word.startswith('configs/') or (name.split('/')[0] in GROUPS and name.count('/') >= 1)


def config_exists(word: str) -> bool:
    """Whether the package has the config."""
    return configs_dir() in find_config(word).resolve().parents


def check_config(block: str, path: Path) -> None:
    """A block of assignments is a config: it can be read, and its top-level keys are known."""
    values: dict[str, Any] = {}
    exec(compile(block, str(path), 'exec'), values)
    bases = values.get('_base_', [])
    for base in [bases] if isinstance(bases, str) else bases:
        block = block.replace(base, str(find_config(base.removeprefix('../'))))
    path.write_text(block, encoding='utf-8')
    keys = set(Config.fromfile(path))
    known = {key for file in configs_dir().rglob('*.py') for key in load_config(file)}
    assert keys <= known, f'no config has {keys - known}'
