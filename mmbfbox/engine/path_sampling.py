"""One random arch for every training iteration of a supernet (paper, section 4.3)."""

from __future__ import annotations

from typing import Any

from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmbfbox.errors import UserError
from mmbfbox.models import set_arch, space_of


@HOOKS.register_module()
class PathSamplingHook(Hook):
    """Make ``space.sample(seed, iteration)`` the active path before each iteration.

    The arch is a pure function of the seed and the iteration: ranks agree without communication, and a
    resumed run goes on with the very same sequence. Parameters that are not on the path get no gradient
    at all, so neither momentum nor weight decay moves them.

    Args:
        seed: seed of the sequence. Defaults to 0.
    """

    def __init__(self, seed: int = 0) -> None:
        if seed < 0:
            raise UserError(f'the seed of PathSamplingHook is {seed}, expected 0 or more')
        self.seed = seed

    def before_train(self, runner: Runner) -> None:
        """Find the space once."""
        self.space = space_of(_unwrap(runner.model))
        runner.logger.info(f'sampling from {self.space}, {self.space.count:.3g} archs')

    def before_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Switch to this iteration's arch."""
        set_arch(_unwrap(runner.model), self.space.sample(self.seed, runner.iter))

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Note the space and the seed."""
        checkpoint['meta']['space'] = dict(
            hash=self.space.hash, name=str(self.space), sampling_seed=self.seed
        )

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse to resume a run that sampled otherwise.

        Raises:
            UserError: the checkpoint has another space or another seed.
        """
        noted = checkpoint.get('meta', {}).get('space')
        if not noted or not runner._resume:
            return
        space = space_of(_unwrap(runner.model))
        if noted['hash'] != space.hash or noted['sampling_seed'] != self.seed:
            raise UserError(
                f'the checkpoint was trained on {noted["name"]} with sampling seed '
                f'{noted["sampling_seed"]}, and this config has {space} with seed {self.seed}; '
                f'resume with the config that it was trained with'
            )


def _unwrap(model: nn.Module) -> nn.Module:
    return model.module if is_model_wrapper(model) else model
