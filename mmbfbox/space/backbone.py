"""The space of backbones: one choice for every slot of every stage (paper, section 4.2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod

from mmbfbox.errors import UserError
from mmbfbox.space.arch import FIRST_LEVEL
from mmbfbox.space.blocks import SKIP, Block, make_block
from mmbfbox.space.draw import Draw
from mmbfbox.space.stem import Stem

Stages = tuple[tuple[str, ...], ...]

DEEP_CHOICES = ('conv3', 'conv5', 'conv7', 'dw3', 'dw5', 'dw7', 'dw3_5', 'dw5_7')
SHALLOW_CHOICES = (
    *('conv3', 'conv5', 'conv7', 'conv9', 'dw3', 'dw5', 'dw7', 'dw9'),
    *('dw3_5', 'dw5_7', 'dense2x32', 'dense3x16'),
)


@dataclass(frozen=True)
class BackboneSpace:
    """All backbones of a given shape.

    The stem has stride 4; every stage after the first doubles it in its first slot. A slot that takes
    ``skip`` is not there, so a space with this choice searches depth, too; a stage's first slot, which
    changes the shape, leaves it out. The defaults are the paper's figure 2.

    Args:
        stem_channels: channels after the stem.
        out_channels: channels after each stage.
        depths: slots of each stage.
        shallow_stages: how many leading stages choose from ``shallow_choices``.
        shallow_choices: names of the choices there.
        deep_choices: names of the choices in all other stages.
        stem_kernel, stem_down: see :class:`~mmbfbox.space.stem.Stem`.
        allowed: what is left of each slot's choices where the space was shrunk; None for all of them.

    Raises:
        UserError: lengths disagree, a choice is unknown or named twice, it cannot have the width of its
            stage, or a stage can only skip.

    Example:
        >>> space = BackboneSpace(8, (16, 32), (1, 2), 1, ('conv3', 'conv5'), ('conv3', 'dw5', 'dw7'))
        >>> space.count, space.levels
        (18, (2, 3))
        >>> space.problem((('dw5',), ('conv3', 'dw5')))
        "slot 1 of c2 takes 'dw5', expected one of ('conv3', 'conv5')"
    """

    stem_channels: int = 64
    out_channels: tuple[int, ...] = (256, 256, 512, 512, 512, 256)
    depths: tuple[int, ...] = (4, 4, 4, 4, 4, 4)
    shallow_stages: int = 2
    shallow_choices: tuple[str, ...] = SHALLOW_CHOICES
    deep_choices: tuple[str, ...] = DEEP_CHOICES
    stem_kernel: int = Stem.kernel
    stem_down: str = Stem.down
    allowed: tuple[tuple[tuple[str, ...], ...], ...] | None = None

    def __post_init__(self) -> None:
        for name in ('out_channels', 'depths', 'shallow_choices', 'deep_choices'):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if len(self.depths) != len(self.out_channels) or not self.depths:
            raise UserError(
                f'depths {self.depths} and out_channels {self.out_channels} must have one entry for '
                f'each stage; make them equally long'
            )
        if min(self.depths) < 1 or min(self.out_channels) < 1:
            raise UserError(
                f'depths {self.depths} and out_channels {self.out_channels} must be at least 1'
            )
        if not 0 <= self.shallow_stages <= len(self.depths):
            raise UserError(
                f'shallow_stages is {self.shallow_stages}, expected 0 to {len(self.depths)}, '
                f'the number of stages'
            )
        _ = self.stem  # checks its keys
        for choices in map(self._choices, range(len(self.depths))):
            if not choices or len(set(choices)) != len(choices):
                raise UserError(f'the choices {choices} are empty or name one twice')
            if set(choices) == {SKIP}:
                raise UserError(
                    f'the first slot of a stage needs a block, and {choices} has none; name one beside '
                    f'{SKIP!r}'
                )
        # Building them all finds what is no choice, or not one of its place.
        for stage, slots in enumerate(self.slots):
            for slot, choices in enumerate(slots):
                for choice in choices:
                    self.block(stage, slot, choice)

    @cached_property
    def stem(self) -> Stem:
        """What comes before the first stage."""
        return Stem(self.stem_channels, self.stem_kernel, self.stem_down)

    @cached_property
    def slots(self) -> tuple[tuple[tuple[str, ...], ...], ...]:
        """The choices of each slot of each stage."""
        result = []
        for stage, depth in enumerate(self.depths):
            choices = self._choices(stage)
            first = tuple(choice for choice in choices if choice != SKIP)
            result.append((first, *(choices,) * (depth - 1)))
        return tuple(result) if self.allowed is None else self.allowed

    def _choices(self, stage: int) -> tuple[str, ...]:
        """What the slots of a stage choose from."""
        return self.shallow_choices if stage < self.shallow_stages else self.deep_choices

    @property
    def levels(self) -> tuple[int, ...]:
        """Pyramid levels of the stages; level l has stride 2^l."""
        return tuple(range(FIRST_LEVEL, FIRST_LEVEL + len(self.depths)))

    def block(self, stage: int, slot: int, choice: str) -> Block:
        """The convolutions of a choice in its place."""
        width = self.out_channels[stage]
        if slot:
            return make_block(choice, width, width)
        if stage:
            return make_block(choice, self.out_channels[stage - 1], width, stride=2)
        return make_block(choice, self.stem_channels, width)

    @property
    def count(self) -> int:
        """How many backbones there are."""
        return prod(len(choices) for stage in self.slots for choices in stage)

    def sample(self, draw: Draw) -> Stages:
        """A uniformly random backbone."""
        return tuple(tuple(draw.pick(choices) for choices in stage) for stage in self.slots)

    def problem(self, stages: Stages) -> str | None:
        """Why ``stages`` is not in this space, or None if it is."""
        depths = tuple(map(len, stages))
        if depths != self.depths:
            return f'its depths are {depths}, expected {self.depths}'
        for level, stage, slots in zip(self.levels, stages, self.slots, strict=True):
            for number, (choice, choices) in enumerate(zip(stage, slots, strict=True), 1):
                if choice not in choices:
                    return f'slot {number} of c{level} takes {choice!r}, expected one of {choices}'
        return None

    def mutate(self, stages: Stages, probability: float, draw: Draw) -> Stages:
        """Draw each slot anew with the given probability."""
        return tuple(
            tuple(
                draw.pick(choices) if draw.chance(probability) else choice
                for choice, choices in zip(stage, slots, strict=True)
            )
            for stage, slots in zip(stages, self.slots, strict=True)
        )

    def crossover(self, first: Stages, second: Stages, draw: Draw) -> Stages:
        """Take each slot from one of the two parents."""
        return tuple(
            tuple(draw.pick(pair) for pair in zip(*pairs, strict=True))
            for pairs in zip(first, second, strict=True)
        )
