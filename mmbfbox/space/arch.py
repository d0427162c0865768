"""An architecture as plain, immutable data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mmbfbox.errors import UserError

FIRST_LEVEL = 2
"""Pyramid levels are named after their stride: level l has stride 2^l, and the finest is l = 2."""

_NODE = re.compile(r'([cp])(\d+)')
_MERGE = re.compile(r'p(\d+)\s*=\s*c(\d+)\s*\+\s*([cp]\d+)')


@dataclass(frozen=True, order=True)
class Merge:
    """One merging step of the pyramid, ``p4 = c4 + c6``.

    Args:
        target: the level that is produced; its lateral is always the first operand.
        source: the other operand: a lateral (``'c6'``) or the result of an earlier merge (``'p5'``).
    """

    target: int
    source: str

    def __str__(self) -> str:
        return f'p{self.target} = c{self.target} + {self.source}'

    @property
    def source_level(self) -> int:
        """Level of the source: 6 for both ``'c6'`` and ``'p6'``."""
        return int(self.source[1:])

    @classmethod
    def parse(cls, text: str) -> Merge:
        """Read ``p4 = c4 + c6``.

        Raises:
            UserError: the text has another form.

        Example:
            >>> merge = Merge.parse('p4 = c4 + c6')
            >>> merge.target, merge.source, merge.source_level
            (4, 'c6', 6)
        """
        match = _MERGE.fullmatch(text.strip()) if isinstance(text, str) else None
        if match is None or match[1] != match[2]:
            raise UserError(f'{text!r} is not a merge; write it like "p4 = c4 + c6"')
        return cls(int(match[1]), match[3])


@dataclass(frozen=True, order=True)
class Arch:
    """A backbone and the wiring of its feature pyramid.

    Args:
        stages: for each stage, from stride 4 down, the choice of each slot.
        merges: the merges in the order in which they are carried out.

    Example:
        >>> arch = Arch((('conv3', 'dw5'), ('conv7', 'conv3')), (Merge(2, 'c3'),))
        >>> print(arch)
        c2: conv3 dw5
        c3: conv7 conv3
        p2 = c2 + c3
        >>> Arch.parse(str(arch)) == arch
        True
    """

    stages: tuple[tuple[str, ...], ...]
    merges: tuple[Merge, ...]

    def __str__(self) -> str:
        stages = [
            f'c{level}: {" ".join(stage)}' for level, stage in enumerate(self.stages, FIRST_LEVEL)
        ]
        return '\n'.join([*stages, *map(str, self.merges)])

    def __repr__(self) -> str:
        return f'Arch({str(self)!r})'

    @classmethod
    def parse(cls, text: str) -> Arch:
        """Read the text form back.

        Raises:
            UserError: a line is neither a stage nor a merge, or a stage is missing.
        """
        stages: list[str] = []
        merges: list[str] = []
        for line in filter(None, map(str.strip, text.splitlines())):
            level, colon, choices = line.partition(':')
            if not colon:
                merges.append(line)
            elif level != f'c{len(stages) + FIRST_LEVEL}':
                raise UserError(
                    f'{line!r} stands where stage c{len(stages) + FIRST_LEVEL} of an arch was '
                    f'expected; write the stages in order, one a line, like "c2: conv3 dw5"'
                )
            else:
                stages.append(choices)
        return cls.build((stage.split() for stage in stages), merges)

    @classmethod
    def build(cls, stages: Iterable[Iterable[str]], merges: Iterable[str]) -> Arch:
        """Make an arch from lists, as configs and JSON hold it.

        Raises:
            UserError: a merge is malformed.
        """
        return cls(tuple(tuple(stage) for stage in stages), tuple(map(Merge.parse, merges)))

    def to_dict(self) -> dict[str, Any]:
        """Lists of strings, ready for JSON; :meth:`from_dict` reads them back."""
        return {
            'stages': [list(stage) for stage in self.stages],
            'merges': [str(merge) for merge in self.merges],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Arch:
        """Read what :meth:`to_dict` wrote.

        Raises:
            UserError: a key is missing or holds something else than lists of strings.
        """
        try:
            stages = [[_as_text(choice) for choice in stage] for stage in data['stages']]
            merges = [_as_text(merge) for merge in data['merges']]
        except (KeyError, TypeError) as error:
            raise UserError(
                'this is not an arch: expected the keys "stages" (lists of choice names) and '
                '"merges" (like "p4 = c4 + c6")'
            ) from error
        return cls.build(stages, merges)

    def canonical(self) -> Arch:
        """The same network with its merges in a standard order.

        Merges that do not depend on each other may be carried out in any order; two archs compute the
        same function exactly if their canonical forms are equal.

        Example:
            >>> print(Arch((), (Merge(2, 'c4'), Merge(3, 'c4'))).canonical())
            p3 = c3 + c4
            p2 = c2 + c4
        """
        waiting = sorted(self.merges, reverse=True)
        done: list[Merge] = []
        while waiting:
            names = {f'p{merge.target}' for merge in waiting}
            ready = next((merge for merge in waiting if merge.source not in names), waiting[0])
            waiting.remove(ready)
            done.append(ready)
        return Arch(self.stages, tuple(done))


def is_node(name: str) -> bool:
    """Whether ``name`` is a pyramid node: ``c4`` (a lateral) or ``p4`` (a merge's result)."""
    return _NODE.fullmatch(name) is not None


def _as_text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f'{value!r} is not text')
    return value
