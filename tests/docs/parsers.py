"""The real argument parser of a tool, without running the tool."""

from __future__ import annotations

import argparse
from functools import cache

import pytest

from tests.running_tools import run


class _ParserReached(BaseException):
    """Ends a tool where it would read its command line; not an error that a tool may answer."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser


@cache
def parser_of(tool: str) -> argparse.ArgumentParser:
    """The parser that ``tools/<tool>.py`` builds."""

    def stop(parser: argparse.ArgumentParser, *_args: object, **_kwargs: object) -> None:
        raise _ParserReached(parser)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, 'parse_args', stop)
        with pytest.raises(_ParserReached) as reached:
            run(tool)
    return reached.value.parser


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    """Every option that the parser or one of its sub-commands knows."""
    known: set[str] = set()
    for action in parser._actions:
        known |= set(action.option_strings)
        if isinstance(action, argparse._SubParsersAction):
            known = known.union(*map(options_of, action.choices.values()))
    return known
