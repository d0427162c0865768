"""The joint space of backbone and feature pyramid (paper, section 4.3)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from mmbfbox.artifacts.arch import ArchFile, SpaceId
from mmbfbox.errors import UserError
from mmbfbox.space.arch import Arch
from mmbfbox.space.backbone import BackboneSpace
from mmbfbox.space.draw import Draw
from mmbfbox.space.fair import fair_merges, fair_stages
from mmbfbox.space.fpn import FpnSpace

Space = TypeVar('Space', bound='JointSpace')

_LATER = {'stem_kernel': 7, 'stem_down': 'pool'}
"""Keys of backbones that the first spaces did not have, and what these had in their place."""


@dataclass(frozen=True)
class JointSpace:
    """Every pair of a backbone and a pyramid wiring.

    All draws are pure functions of ``(seed, index)``: ranks agree without talking to each other, and a
    resumed run goes on with the very same sequence.

    Raises:
        UserError: the levels of the FPN are not the last stages of the backbone.

    Example:
        >>> space = JointSpace(BackboneSpace(), FpnSpace())
        >>> f'{space.count:.1e} archs'
        '2.2e+29 archs'
        >>> space.sample(seed=0, index=5) == space.sample(seed=0, index=5)
        True
    """

    backbone: BackboneSpace
    fpn: FpnSpace

    def __post_init__(self) -> None:
        if self.backbone.levels[-len(self.fpn.levels) :] != self.fpn.levels:
            raise UserError(
                f'the backbone gives the levels {self.backbone.levels} and the FPN takes '
                f'{self.fpn.levels}; give both the same coarsest level, and as many levels as the FPN '
                f'needs'
            )

    def __str__(self) -> str:
        shallow, deep = len(self.backbone.shallow_choices), len(self.backbone.deep_choices)
        left = ''
        if self.is_shrunk:
            full, kept = (sum(map(len, s.choices.values())) for s in (self.whole, self))
            left = f', {kept} of {full} choices and edges left'
        return (
            f'space {self.hash} ({"-".join(map(str, self.backbone.depths))} slots of {shallow} shallow '
            f'and {deep} deep choices, FPN targets {"-".join(map(str, self.fpn.targets))}{left})'
        )

    @cached_property
    def hash(self) -> str:
        """Twelve hexadecimal digits that tell this space from any other."""
        backbone, fpn = asdict(self.backbone), asdict(self.fpn)
        # What is left of a space is used with the weights of all of it.
        del backbone['allowed'], fpn['allowed']
        for key, before in _LATER.items():
            # So spaces of before keep their hash.
            if backbone[key] == before:
                del backbone[key]
        text = json.dumps(dict(backbone=backbone, fpn=fpn), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @cached_property
    def choices(self) -> dict[str, tuple[str, ...]]:
        """What can be taken in each place: a slot (``'c2.1'`` is the first of c2) or a target (``'p4'``)."""
        slots = {
            f'c{level}.{slot}': choices
            for level, stage in zip(self.backbone.levels, self.backbone.slots, strict=True)
            for slot, choices in enumerate(stage, 1)
        }
        edges = {f'p{level}': tuple(self.fpn.all_sources(level)) for level in self.fpn.targets}
        return slots | edges

    @property
    def is_shrunk(self) -> bool:
        """Whether choices have been dropped."""
        return self.backbone.allowed is not None or self.fpn.allowed is not None

    @property
    def whole(self: Space) -> Space:
        """The space with all choices."""
        return replace(
            self,
            backbone=replace(self.backbone, allowed=None),
            fpn=replace(self.fpn, allowed=None),
        )

    def shrunk(self: Space, allowed: Mapping[str, Sequence[str]]) -> Space:
        """What is left of a space when choices are dropped; draws are pure functions of seed and index.

        Args:
            allowed: for some of the places of :attr:`choices` what is left there, in any order.

        Raises:
            UserError: a place or a choice is unknown, nothing is left in a place, or a target is left
                without a lateral, without which there may be no merge to begin with.

        Example:
            >>> space = JointSpace(BackboneSpace(), FpnSpace()).shrunk({'c2.1': ['dw5', 'conv3']})
            >>> space.choices['c2.1'], len(space.choices['c2.2'])
            (('conv3', 'dw5'), 12)
        """
        left = dict(self.choices)
        for place, chosen in allowed.items():
            known = left.get(place, ())
            kept = tuple(choice for choice in known if choice in chosen)
            laterals = [choice for choice in kept if place[0] == 'c' or choice[0] == 'c']
            if not laterals or len(kept) < len(set(chosen)):
                raise UserError(
                    f'the choices {", ".join(chosen) or "none"} cannot be what is left of {place}, which has '
                    f'{", ".join(known) or "no choices"}; a level of the pyramid keeps a lateral'
                )
            left[place] = kept
        slots = iter(left[place] for place in left if place[0] == 'c')
        stages = tuple(tuple(next(slots) for _ in stage) for stage in self.backbone.slots)
        edges = tuple(left[f'p{level}'] for level in self.fpn.targets)
        return replace(
            self,
            backbone=replace(self.backbone, allowed=stages),
            fpn=replace(self.fpn, allowed=edges),
        )

    @property
    def count(self) -> int:
        """How many archs there are."""
        return self.backbone.count * self.fpn.count

    @property
    def networks(self) -> int:
        """How many different networks there are: archs that differ only in an order count once."""
        return self.backbone.count * self.fpn.networks

    def sample(self, seed: int, index: int) -> Arch:
        """The ``index``-th random arch of the sequence ``seed``: uniform and independent."""
        draw = Draw(seed, index)
        return Arch(self.backbone.sample(draw), self.fpn.sample(draw))

    def sample_fair(self, seed: int, index: int) -> Arch:
        """The ``index``-th arch of a sequence that uses all choices equally often.

        See :mod:`mmbfbox.space.fair` for what is equal within which blocks.

        Example:
            >>> space = JointSpace(
            ...     BackboneSpace(8, (16, 32), (1, 1), 1, ('conv3', 'dw5'), ('conv3',)),
            ...     FpnSpace((2, 3), (2,)),
            ... )
            >>> [space.sample_fair(0, index).stages[0] for index in range(4)]
            [('dw5',), ('conv3',), ('dw5',), ('conv3',)]
        """
        return Arch(fair_stages(self.backbone, seed, index), fair_merges(self.fpn, seed, index))

    def mutate(self, arch: Arch, seed: int, index: int, probability: float = 0.1) -> Arch:
        """Draw each slot and each merge of ``arch`` anew with the given probability (SPOS)."""
        draw = Draw(seed, index, 1)
        return Arch(
            self.backbone.mutate(arch.stages, probability, draw),
            self.fpn.mutate(arch.merges, probability, draw),
        )

    def crossover(self, first: Arch, second: Arch, seed: int, index: int) -> Arch:
        """Mix two archs slot by slot and merge by merge (SPOS)."""
        draw = Draw(seed, index, 2)
        return Arch(
            self.backbone.crossover(first.stages, second.stages, draw),
            self.fpn.crossover(first.merges, second.merges, draw),
        )

    def problem(self, arch: Arch) -> str | None:
        """Why ``arch`` is not in this space, or None if it is."""
        return self.backbone.problem(arch.stages) or self.fpn.problem(arch.merges)

    def __contains__(self, arch: Arch) -> bool:
        return self.problem(arch) is None

    def check(self, arch: Arch) -> Arch:
        """Return ``arch`` if it is in this space.

        Raises:
            UserError: it is not; the sentence says where they differ.
        """
        problem = self.problem(arch)
        if problem:
            raise UserError(f'the arch is not in {self}: {problem}')
        return arch

    @property
    def id(self) -> SpaceId:
        """What files call this space."""
        return SpaceId(self.hash, str(self))

    def to_json(self, arch: Arch) -> str:
        """``arch`` as one line of JSON that names this space; :meth:`from_json` reads it."""
        return ArchFile(self.id, **self.check(arch).to_dict()).to_json()

    def from_json(self, text: str, source: str | Path = 'the arch') -> Arch:
        """Read an arch that :meth:`to_json` wrote.

        Args:
            text: what the file holds.
            source: its name, for messages.

        Raises:
            UserError: no JSON, another schema, no arch, or an arch of another space.
        """
        file = ArchFile.from_json(text, source)
        if file.space.hash != self.hash:
            raise UserError(
                f'the arch belongs to {file.space.name}, expected {self}; use the config that it was '
                f'searched with'
            )
        return self.check(Arch.from_dict(dict(stages=file.stages, merges=file.merges)))
