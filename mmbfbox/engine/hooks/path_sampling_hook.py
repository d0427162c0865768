"""One arch for every update of a supernet (paper, section 4.3)."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmbfbox.engine.compat import accumulated_iterations, is_resuming
from mmbfbox.errors import UserError
from mmbfbox.models import set_arch, space_of
from mmbfbox.space import Arch, JointSpace
from mmbfbox.space.arch import FIRST_LEVEL

SAMPLING = ('uniform', 'fair')


@HOOKS.register_module()
class PathSamplingHook(Hook):
    """Make the arch of this update the active path before each iteration.

    The arch is a pure function of the seed and the number of the update, which is the iteration unless
    gradients are accumulated: ranks agree without communication, and a resumed run goes on with the very
    same sequence. Parameters that are not on the path get no gradient at all, so neither momentum nor
    weight decay moves them. How often each choice was used is logged and kept in the checkpoint.

    Args:
        seed: seed of the sequence. Defaults to 0.
        sampling: ``'uniform'``, independent archs (the paper), or ``'fair'``, every choice of a slot and
            every edge of the pyramid equally often within each block (:mod:`mmbfbox.space.fair`).
            Defaults to ``'uniform'``.
        log_interval: log the counts every so many iterations; 0 for never. Defaults to 5000.

    Raises:
        UserError: a key is out of range.
    """

    def __init__(self, seed: int = 0, sampling: str = 'uniform', log_interval: int = 5000) -> None:
        if seed < 0 or log_interval < 0:
            raise UserError(
                f'seed {seed} and log_interval {log_interval} of PathSamplingHook must be 0 or more'
            )
        if sampling not in SAMPLING:
            raise UserError(f'sampling is {sampling!r}, expected one of {", ".join(SAMPLING)}')
        self.seed = seed
        self.sampling = sampling
        self.log_interval = log_interval
        self._counted: Counter[tuple[str, str]] = Counter()

    def before_train(self, runner: Runner) -> None:
        """Find the space once."""
        self.space = space_of(_unwrap(runner.model))
        runner.logger.info(
            f'{self.sampling} sampling from {self.space}, {self.space.count:.3g} archs'
        )

    def arch(self, runner: Runner) -> Arch:
        """The arch of the runner's current iteration: one for all iterations of an update."""
        draw = self.space.sample_fair if self.sampling == 'fair' else self.space.sample
        return draw(self.seed, runner.iter // accumulated_iterations(runner.optim_wrapper))

    def before_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Switch to this iteration's arch."""
        arch = self.arch(runner)
        set_arch(_unwrap(runner.model), arch)
        self._counted.update(places_of(arch))

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Log the counts now and then."""
        if self.log_interval and self.every_n_train_iters(runner, self.log_interval):
            runner.logger.info(f'iterations of each choice: {_range_of(self.counts)}')

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """How many iterations each choice was trained in.

        Keys are slots (``'c2.1'``, the first slot of stage c2) and targets (``'p4'``), then choices and
        sources. Choices that were never used are there, with 0.
        """
        return {
            place: {choice: self._counted[place, choice] for choice in choices}
            for place, choices in choices_of(self.space).items()
        }

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Note the space, the sequence and the counts."""
        checkpoint['meta']['space'] = dict(
            hash=self.space.hash,
            name=str(self.space),
            sampling_seed=self.seed,
            sampling=self.sampling,
        )
        checkpoint['meta']['path_counts'] = self.counts

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Take over the counts, and refuse to resume a run that sampled otherwise.

        Raises:
            UserError: the checkpoint has another space or another sequence.
        """
        meta = checkpoint.get('meta', {})
        noted = meta.get('space')
        if not noted or not is_resuming(runner):
            return
        space = space_of(_unwrap(runner.model))
        # Checkpoints from before there was a choice were sampled uniformly.
        theirs = noted['hash'], noted['sampling_seed'], noted.get('sampling', 'uniform')
        if theirs != (space.hash, self.seed, self.sampling):
            raise UserError(
                f'the checkpoint was trained on {noted["name"]} with {theirs[2]} sampling seed '
                f'{noted["sampling_seed"]}, and this config has {space} with {self.sampling} seed '
                f'{self.seed}; resume with the config that it was trained with'
            )
        self._counted = Counter(
            {
                (place, choice): number
                for place, choices in meta.get('path_counts', {}).items()
                for choice, number in choices.items()
            }
        )


def places_of(arch: Arch) -> list[tuple[str, str]]:
    """What an arch takes in each place: ``('c2.1', 'conv3')``, ``('p4', 'c6')``."""
    slots = [
        (f'c{level}.{slot}', choice)
        for level, stage in enumerate(arch.stages, FIRST_LEVEL)
        for slot, choice in enumerate(stage, 1)
    ]
    return slots + [(f'p{merge.target}', merge.source) for merge in arch.merges]


def choices_of(space: JointSpace) -> dict[str, tuple[str, ...]]:
    """What can be taken in each place."""
    slots = {
        f'c{level}.{slot}': choices
        for level, stage in zip(space.backbone.levels, space.backbone.slots, strict=True)
        for slot, choices in enumerate(stage, 1)
    }
    return slots | {f'p{level}': tuple(space.fpn.all_sources(level)) for level in space.fpn.targets}


def _range_of(counts: dict[str, dict[str, int]]) -> str:
    """For each place the least and the most used choice."""
    parts = []
    for place, numbers in counts.items():
        low, high = min(numbers, key=numbers.__getitem__), max(numbers, key=numbers.__getitem__)
        parts.append(f'{place} {low} {numbers[low]} to {high} {numbers[high]}')
    return ', '.join(parts)


def _unwrap(model: nn.Module) -> nn.Module:
    return cast(nn.Module, model.module) if is_model_wrapper(model) else model
