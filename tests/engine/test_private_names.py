"""Private names of other libraries are used in ``engine/compat.py`` and nowhere else."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

from mmdet.models.dense_heads import AnchorHead
from mmengine.hooks import CheckpointHook

import mmbfbox

ROOT = Path(__file__).resolve().parents[2]
COMPAT = ROOT / 'mmbfbox' / 'engine' / 'compat.py'
OWN_PACKAGES = ('mmbfbox', 'tools', 'tests', '__future__')
LIBRARIES = ('mmengine', 'mmcv', 'mmdet', 'torch', 'numpy')
ALLOWED: dict[tuple[str, str], str] = {
    ('datasets/transforms/data_anchor_sampling.py', '_replace'): 'public, of every named tuple',
    ('models/backbones/bfbox.py', '_BatchNorm'): "mmengine's own word for it in init_cfg",
}
"""File and name, and why it may stand there."""
OVERRIDDEN = {
    ('SafeCheckpointHook', '_save_checkpoint_with_step'),
    ('SafeCheckpointHook', '_save_best_checkpoint'),
    ('PerLevelRetinaHead', '_init_layers'),
    ('SharedFaceHead', '_init_layers'),
    ('AnyShapeResize', '_resize_img'),
}
"""Class of ours and private method of its base that it replaces: what no function can stand for."""


def is_private(name: object) -> bool:
    """Whether a text is a name with one underscore in front."""
    return isinstance(name, str) and re.fullmatch(r'_(?!_)\w*[A-Za-z]\w*', name) is not None


def foreign_names(tree: ast.Module, ours: set[str], known: set[str]) -> Iterator[str]:
    """Private names in a file that are somebody else's.

    Args:
        tree: the file.
        ours: private attributes that classes of the package give themselves; through ``self`` they are
            ours. Through anything else a name is ours if the same file gives it.
        known: private names of others; no text may spell them, as in ``getattr(runner, '_resume')``.
    """
    here = own_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (
                alias.name for alias in node.names if any(map(is_private, alias.name.split('.')))
            )
        elif isinstance(node, ast.ImportFrom):
            if (node.module or '').split('.')[0] not in OWN_PACKAGES:
                names = [*(node.module or '').split('.'), *(alias.name for alias in node.names)]
                yield from filter(is_private, names)
        elif isinstance(node, ast.Attribute) and is_private(node.attr):
            text = ast.unparse(node.value)
            through_self = text in ('self', 'cls') or text.startswith('super(')
            if node.attr not in (ours if through_self else here):
                yield node.attr
        elif isinstance(node, ast.Constant) and node.value in known and node.value not in here:
            yield str(node.value)


def own_names(tree: ast.AST) -> set[str]:
    """Private names that a file gives to functions, classes, attributes of ``self`` and variables."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and ast.unparse(node.value) in ('self', 'cls')
        ):
            found.add(node.attr)
    return {name for name in found if is_private(name)}


def names_of(compat: ast.AST) -> set[str]:
    """The private names that compat stands for."""
    names = {node.attr for node in ast.walk(compat) if isinstance(node, ast.Attribute)}
    names |= {node.value for node in ast.walk(compat) if isinstance(node, ast.Constant)}
    imports = [node for node in ast.walk(compat) if isinstance(node, ast.ImportFrom)]
    names |= {alias.name for node in imports for alias in node.names}
    return {name for name in names if is_private(name)}


def test_private_names_of_others_stand_in_compat_only():
    folders = [ROOT / 'mmbfbox', ROOT / 'tools']
    trees = {
        file: ast.parse(file.read_text())
        for folder in folders
        for file in sorted(folder.rglob('*.py'))
        if file != COMPAT
    }
    ours = set().union(*map(own_names, trees.values()))
    known = names_of(ast.parse(COMPAT.read_text()))
    assert {'_resume', '_iterator', '_shutdown_workers', '_BatchNorm', '_reconstruct'} <= known
    found = {
        (file.relative_to(ROOT).as_posix().removeprefix('mmbfbox/'), name)
        for file, tree in trees.items()
        for name in foreign_names(tree, ours, known)
    }
    elsewhere = {(file, name) for file, name in found if (file, name) not in ALLOWED}
    assert not elsewhere, 'move them to mmbfbox/engine/compat.py'
    assert found == ALLOWED.keys(), 'these are gone: take them out of ALLOWED'


def test_each_way_to_a_private_name_is_seen():
    """What the scan is for: imports, attributes, texts; and what it leaves alone."""
    text = """
from torch.nn.modules.batchnorm import _BatchNorm
import numpy._core
from mmbfbox.x import _ours
class Own:
    def __init__(self): self._own = runner._resume
    def use(self): return self._own, self._iter, super()._own, self.__dict__, getattr(x, '_iterator')
    def other(self, other): return other._own, loader._left
loader._left = None
"""
    tree = ast.parse(text)
    seen = sorted(foreign_names(tree, own_names(tree), {'_iterator'}))
    expected = ['_BatchNorm', '_iter', '_iterator', '_left', '_left', '_resume', 'numpy._core']
    assert seen == expected


def test_private_methods_that_our_classes_replace_are_known():
    """Found through the classes themselves: a text does not show what their bases are called."""
    found = set()
    for module in pkgutil.walk_packages(mmbfbox.__path__, 'mmbfbox.'):
        for kind in vars(importlib.import_module(module.name)).values():
            if not inspect.isclass(kind) or kind.__module__ != module.name:
                continue
            bases = [base for base in kind.__mro__ if base.__module__.startswith(LIBRARIES)]
            for name in filter(is_private, vars(kind)):
                # What Python notes in each abstract class.
                if name != '_abc_impl' and any(name in vars(base) for base in bases):
                    found.add((kind.__name__, name))
    assert found == OVERRIDDEN


def test_replaced_methods_are_called_as_before():
    """mmengine 0.10.7, mmdet 3.3.0."""
    for name, arguments in (
        ('_save_checkpoint_with_step', ['self', 'runner', 'step', 'meta']),
        ('_save_best_checkpoint', ['self', 'runner', 'metrics']),
    ):
        assert list(inspect.signature(getattr(CheckpointHook, name)).parameters) == arguments
    assert 'self._save_checkpoint_with_step(runner, step, meta=meta)' in inspect.getsource(
        CheckpointHook._save_checkpoint
    )
    assert 'self._save_best_checkpoint(runner, metrics)' in inspect.getsource(
        CheckpointHook.after_val_epoch
    )
    assert 'self._init_layers()' in inspect.getsource(AnchorHead.__init__)
