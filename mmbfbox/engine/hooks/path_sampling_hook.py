"""One arch for every update of a supernet (paper, section 4.3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmbfbox.engine.compat import accumulated_iterations, is_resuming
from mmbfbox.engine.shrinking import Shrinking
from mmbfbox.errors import UserError
from mmbfbox.models import set_arch, space_of
from mmbfbox.space import Arch
from mmbfbox.space.draw import seed_of
from mmbfbox.space.shrinking import choices_left, taken

SAMPLING = ('uniform', 'fair')


@HOOKS.register_module()
class PathSamplingHook(Hook):
    """Make the arch of this update the active path before each iteration.

    The arch is a pure function of the seed and the number of the update, which is the iteration unless
    gradients are accumulated: ranks agree without communication, and a resumed run goes on with the very
    same sequence. Parameters that are not on the path get no gradient at all, so neither momentum nor
    weight decay moves them. How often each choice was used is logged and kept in the checkpoint.

    With ``shrink`` the space becomes smaller on the way: at given shares of training, choices are dropped
    that are worse than chance and their cost explain (:mod:`mmbfbox.space.shrinking`), by the losses of
    random paths on the same crops (:mod:`mmbfbox.engine.path_losses`). What is left stands in the
    checkpoint, and the arch is a pure function of the seed, the number of the update and what is left; search
    and report take it from there.

    Args:
        seed: seed of the sequence. Defaults to 0.
        sampling: ``'uniform'``, independent archs (the paper), or ``'fair'``, every choice of a slot and
            every edge of the pyramid equally often within each block (:mod:`mmbfbox.space.fair`).
            Defaults to ``'uniform'``.
        log_interval: log the counts every so many iterations; 0 for never. Defaults to 5000.
        shrink: the keys of :class:`Shrinking`; None keeps all choices. Defaults to None.

    Raises:
        UserError: a key is unknown or out of range.
    """

    def __init__(
        self,
        seed: int = 0,
        sampling: str = 'uniform',
        log_interval: int = 5000,
        shrink: Mapping[str, Any] | None = None,
    ) -> None:
        if seed < 0 or log_interval < 0:
            raise UserError(
                f'seed {seed} and log_interval {log_interval} of PathSamplingHook must be 0 or more'
            )
        if sampling not in SAMPLING:
            raise UserError(f'sampling is {sampling!r}, expected one of {", ".join(SAMPLING)}')
        self.seed = seed
        self.sampling = sampling
        self.log_interval = log_interval
        self.shrinking = Shrinking.build(shrink)
        self.shrunk: list[dict[str, Any]] = []
        self._counted: Counter[tuple[str, str]] = Counter()

    def before_train(self, runner: Runner) -> None:
        """Find the space, and what an earlier run has left of it."""
        self.space = space_of(_unwrap(runner.model))
        if self.shrunk:
            self.space = self.space.shrunk(self.shrunk[-1]['allowed'])
        runner.logger.info(
            f'{self.sampling} sampling from {self.space}, {self.space.count:.3g} archs'
        )

    def arch(self, runner: Runner) -> Arch:
        """The arch of the runner's current iteration: one for all iterations of an update."""
        draw = self.space.sample_fair if self.sampling == 'fair' else self.space.sample
        return draw(self.seed, runner.iter // accumulated_iterations(runner.optim_wrapper))

    def before_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Drop choices, if it is time, and switch to this iteration's arch."""
        self._shrink_when_due(runner)
        arch = self.arch(runner)
        set_arch(_unwrap(runner.model), arch)
        self._counted.update(taken(arch))

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
            for place, choices in self.space.whole.choices.items()
        }

    def _shrink_when_due(self, runner: Runner) -> None:
        done = len(self.shrunk)
        if self.shrinking is None or done == len(self.shrinking.at):
            return
        due = runner.iter >= round(self.shrinking.at[done] * runner.max_iters)
        if not due or runner.iter % accumulated_iterations(runner.optim_wrapper):
            return
        model, before = _unwrap(runner.model), self.space
        effects = self.shrinking.effects(runner, model, before, seed_of('shrink', self.seed), done)
        left = choices_left(before, effects, self.shrinking.sigmas, self.shrinking.keep)
        self.space = before.shrunk(left)
        self.shrunk.append(
            dict(
                iteration=runner.iter, allowed={place: list(names) for place, names in left.items()}
            )
        )
        dropped = [
            f'{one.place} {one.choice} ({one.z:+.1f} standard errors)'
            for one in effects
            if one.choice not in left[one.place]
        ]
        runner.logger.info(
            f'dropped after {runner.iter} iterations: {", ".join(dropped) or "nothing"}; '
            f'{self.space.count:.3g} archs are left'
        )

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Note the space, the sequence and the counts."""
        checkpoint['meta']['space'] = dict(
            hash=self.space.hash,
            name=str(self.space),
            sampling_seed=self.seed,
            sampling=self.sampling,
        )
        if self.shrinking is not None:
            checkpoint['meta']['space'].update(shrink=asdict(self.shrinking), shrunk=self.shrunk)
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
        shrinking = Shrinking.build(noted.get('shrink'))
        if shrinking != self.shrinking:
            raise UserError(
                f'the checkpoint was trained with shrink={noted.get("shrink")}, and this config has '
                f'{self.shrinking and asdict(self.shrinking)}; resume with the config that it was '
                f'trained with'
            )
        self.shrunk = list(noted.get('shrunk', ()))
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


def _range_of(counts: dict[str, dict[str, int]]) -> str:
    """For each place the least and the most used choice."""
    parts = []
    for place, numbers in counts.items():
        low, high = min(numbers, key=numbers.__getitem__), max(numbers, key=numbers.__getitem__)
        parts.append(f'{place} {low} {numbers[low]} to {high} {numbers[high]}')
    return ', '.join(parts)


def _unwrap(model: nn.Module) -> nn.Module:
    return cast(nn.Module, model.module) if is_model_wrapper(model) else model
