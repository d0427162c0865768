"""Keeping the first stages of a backbone, or the statistics of its norms, as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mmengine.model import BaseModule
from torch import nn

from mmbfbox.errors import UserError


class FreezableBackbone(BaseModule):
    """A backbone with ``frozen_stages`` and ``norm_eval``, which mean what they mean in mmdet's ResNet.

    A subclass gives its parts by :meth:`parts`, and calls :meth:`freeze` when they are there.

    Args:
        init_cfg: mmengine's initialisation config.

    Attributes:
        frozen_stages: the stem and so many stages are not trained; 0 is the stem alone, -1 nothing.
        norm_eval: whether norms keep their running statistics in training, too.
    """

    frozen_stages = -1
    norm_eval = False

    def parts(self) -> Sequence[Sequence[nn.Module]]:
        """The modules of the stem, and those of each stage."""
        raise NotImplementedError

    def freeze(self, frozen_stages: int, norm_eval: bool) -> None:
        """Freeze from now on.

        Raises:
            UserError: there is no such stage.
        """
        stages = len(self.parts()) - 1
        whole = isinstance(frozen_stages, int) and not isinstance(frozen_stages, bool)
        if not whole or not -1 <= frozen_stages <= stages:
            raise UserError(
                f'frozen_stages is {frozen_stages!r} of a backbone with {stages} stages; give -1 (nothing), '
                f'0 (the stem) or 1 to {stages} (that many stages, too)'
            )
        self.frozen_stages, self.norm_eval = frozen_stages, norm_eval
        self.train(self.training)

    def train(self, mode: bool = True) -> FreezableBackbone:
        """Change the mode of everything but what is frozen."""
        super().train(mode)
        for module in self._frozen():
            module.eval()
            module.requires_grad_(False)
        if self.norm_eval:
            for norm in _norms(self):
                norm.eval()
        return self

    def fixed_norms(self) -> set[nn.Module]:
        """The norms that use their running statistics in training, too."""
        modules = [self] if self.norm_eval else self._frozen()
        return {norm for module in modules for norm in _norms(module)}

    def _frozen(self) -> list[nn.Module]:
        return [part for stage in self.parts()[: self.frozen_stages + 1] for part in stage]


def fixed_norms(model: nn.Module) -> set[nn.Module]:
    """The norms of a detector that use their running statistics in training, too."""
    backbones = (module for module in model.modules() if isinstance(module, FreezableBackbone))
    return {norm for backbone in backbones for norm in backbone.fixed_norms()}


def _norms(module: nn.Module) -> Iterator[Any]:
    """What keeps running statistics: every kind of batch norm has this attribute."""
    return (child for child in module.modules() if getattr(child, 'track_running_stats', False))
