"""Values written as Python, read without running them."""

from __future__ import annotations

import ast
from typing import Any

NUMBERS = ('inf', 'nan')
"""Numbers that mmengine writes by names that Python does not have."""


def literal(node: ast.expr) -> Any:
    """The value of a literal that may contain ``dict(key=value)``, ``inf`` and ``float('inf')``.

    Raises:
        ValueError: it is anything else.
    """
    if isinstance(node, ast.Name) and node.id in NUMBERS:
        return float(node.id)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = literal(node.operand)
        if isinstance(number, (int, float)):
            return -number
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'float':
        (word,) = node.args
        return float(ast.literal_eval(word))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'dict':
        value = {key.arg: literal(key.value) for key in node.keywords if key.arg}
        for part in [*node.args, *(key.value for key in node.keywords if not key.arg)]:
            value.update(literal(part))
        return value
    if isinstance(node, ast.Dict):
        keys = [literal(key) for key in node.keys if key]
        if len(keys) != len(node.keys):
            raise ValueError('** in a dict')
        return dict(zip(keys, map(literal, node.values), strict=True))
    if isinstance(node, ast.List):
        return [literal(item) for item in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(literal(item) for item in node.elts)
    return ast.literal_eval(node)
