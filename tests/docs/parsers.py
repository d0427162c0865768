"""The real argument parser of a script, without running what the script does."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


class _ParserReached(BaseException):
    """Ends a script where it would read its command line; not an error that a script may answer."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser


@cache
def parser_of(script: str) -> argparse.ArgumentParser:
    """The parser that the main of a script, like ``tools/train.py``, builds."""

    def stop(parser: argparse.ArgumentParser, *_args: object, **_kwargs: object) -> None:
        raise _ParserReached(parser)

    path = ROOT / script
    spec = importlib.util.spec_from_file_location(f'script_{path.stem}', path)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'path', list(sys.path))
        patch.setitem(sys.modules, spec.name, module)  # dataclasses look there
        spec.loader.exec_module(module)
        patch.setattr(argparse.ArgumentParser, 'parse_args', stop)
        with pytest.raises(_ParserReached) as reached:
            module.main()
    return reached.value.parser


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    """Every option that the parser or one of its sub-commands knows."""
    known: set[str] = set()
    for action in parser._actions:
        known |= set(action.option_strings)
        if isinstance(action, argparse._SubParsersAction):
            known = known.union(*map(options_of, action.choices.values()))
    return known
