"""Docstrings as they stand in the code, readable on the site: an extension of griffe."""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r':(?:class|func|meth|mod|data|attr|exc):`(~?)([^`]+)`')
_EXAMPLE = re.compile(r'^Example:(?=\n +>>>)', re.MULTILINE)


class PlainRoles(griffe.Extension):
    """Sphinx's roles become links or code, and examples blocks of code."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Change the docstring of a module, class, function or attribute."""
        if obj.docstring:
            text = _ROLE.sub(_linked, obj.docstring.value)
            text = _EXAMPLE.sub('Examples:', text)
            obj.docstring.value = text.replace('Example::', 'For example:')


def _linked(match: re.Match[str]) -> str:
    """A full name leads to where the reference has it, if it does; a short one is code.

    That there is such a thing is what ``tests/docs/test_docstrings.py`` sees to.
    """
    short, name = match.groups()
    shown = name.rpartition('.')[2] if short else name
    if not name.startswith('mmbfbox.'):
        return f'`{shown}`'
    return f'<autoref identifier="{name}" optional>`{shown}`</autoref>'
