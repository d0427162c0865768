"""A joint space of which one part is fixed: only the backbone or only the pyramid is searched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mmbfbox.errors import UserError
from mmbfbox.space.arch import Arch
from mmbfbox.space.backbone import Stages
from mmbfbox.space.fpn import Merges
from mmbfbox.space.joint import JointSpace
from mmbfbox.utils.text import read_text

PARTS = ('backbone', 'fpn')


@dataclass(frozen=True)
class FrozenSpace(JointSpace):
    """The archs of a joint space that have a given backbone, a given wiring, or both.

    It draws the same sequences as the joint space and puts the fixed part in its place, so the free part
    of the ``index``-th sample is the same in both. Archs are written under the joint space's hash: they
    fit its supernet.

    Args:
        backbone, fpn: as in :class:`~mmbfbox.space.JointSpace`.
        stages: the fixed backbone; None searches it.
        merges: the fixed wiring; None searches it.

    Raises:
        UserError: a fixed part is not in its space.
    """

    stages: Stages | None = None
    merges: Merges | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        problem = (self.stages is not None and self.backbone.problem(self.stages)) or (
            self.merges is not None and self.fpn.problem(self.merges)
        )
        if problem:
            raise UserError(f'the fixed part does not fit the supernet: {problem}')

    def __str__(self) -> str:
        names = [name for name, part in zip(PARTS, (self.stages, self.merges)) if part is not None]
        return f'{super().__str__()}{", fixed " + " and ".join(names) if names else ""}'

    @cached_property
    def hash(self) -> str:
        """That of the joint space."""
        return JointSpace(self.backbone, self.fpn).hash

    @property
    def count(self) -> int:
        """How many archs are left."""
        return (1 if self.stages is not None else self.backbone.count) * (
            1 if self.merges is not None else self.fpn.count
        )

    @property
    def networks(self) -> int:
        """How many different networks are left."""
        return (1 if self.stages is not None else self.backbone.count) * (
            1 if self.merges is not None else self.fpn.networks
        )

    def fixed(self, arch: Arch) -> Arch:
        """``arch`` with the fixed parts in their places."""
        if self.stages is not None:
            arch = replace(arch, stages=self.stages)
        return arch if self.merges is None else replace(arch, merges=self.merges)

    def sample(self, seed: int, index: int) -> Arch:
        """The ``index``-th random arch of the sequence ``seed``."""
        return self.fixed(super().sample(seed, index))

    def mutate(self, arch: Arch, seed: int, index: int, probability: float = 0.1) -> Arch:
        """Draw each free slot and merge of ``arch`` anew with the given probability."""
        return self.fixed(super().mutate(arch, seed, index, probability))

    def crossover(self, first: Arch, second: Arch, seed: int, index: int) -> Arch:
        """Mix the free parts of two archs."""
        return self.fixed(super().crossover(first, second, seed, index))

    def problem(self, arch: Arch) -> str | None:
        """Why ``arch`` is not in this space, or None if it is."""
        if self.fixed(arch) != arch:
            return 'it differs from the fixed part'
        return super().problem(arch)


def freeze(space: JointSpace, settings: Mapping[str, Any] | None) -> JointSpace:
    """The space that a config's ``search.freeze`` leaves.

    Args:
        space: the supernet's space.
        settings: ``backbone`` and ``fpn``, each a part written out (lists of choices, as in
            ``stages`` of an arch; merges like ``'p4 = c4 + c6'``) or the path of an arch that a search
            wrote, whose part is taken. Empty or None freezes nothing.

    Raises:
        UserError: a key is unknown, a file cannot be read, or a part is not in the space.

    Example:
        >>> from mmbfbox.space import BackboneSpace, FpnSpace
        >>> space = JointSpace(BackboneSpace(), FpnSpace((2, 3, 4, 5, 6, 7), (2, 3)))
        >>> plain = freeze(space, {'fpn': ['p3 = c3 + c4', 'p2 = c2 + p3']})
        >>> [str(merge) for merge in plain.sample(seed=0, index=7).merges]
        ['p3 = c3 + c4', 'p2 = c2 + p3']
    """
    settings = {key: value for key, value in (settings or {}).items() if value is not None}
    if not settings:
        return space
    unknown = sorted(set(settings) - set(PARTS))
    if unknown:
        raise UserError(f'search.freeze has the key {unknown[0]!r}, expected {" or ".join(PARTS)}')
    stages = merges = None
    if 'backbone' in settings:
        given = settings['backbone']
        stages = _read(space, given).stages if isinstance(given, str) else _build(given, ()).stages
    if 'fpn' in settings:
        given = settings['fpn']
        merges = _read(space, given).merges if isinstance(given, str) else _build((), given).merges
    return FrozenSpace(space.backbone, space.fpn, stages, merges)


def _build(stages: Iterable[Iterable[str]], merges: Iterable[str]) -> Arch:
    try:
        return Arch.from_dict(dict(stages=[list(stage) for stage in stages], merges=list(merges)))
    except UserError as error:
        raise UserError(f'search.freeze cannot be used: {error}') from error
    except TypeError as error:
        raise UserError(
            'search.freeze holds neither a path nor lists; write backbone=[["conv3", "dw5"], ...] and '
            'fpn=["p4 = c4 + c6", ...]'
        ) from error


def _read(space: JointSpace, file: str) -> Arch:
    path = Path(file)
    if not path.is_file():
        raise UserError(
            f'search.freeze names the arch {path}, which does not exist; run the search that writes it '
            f'first, or give the path of another one'
        )
    return space.from_json(read_text(path), path)
