"""Pre-trained weights of a backbone, from a local file."""

from __future__ import annotations

from typing import Any

from mmdet.registry import WEIGHT_INITIALIZERS
from mmengine.logging import print_log
from mmengine.model import PretrainedInit
from torch import nn

from mmbfbox.engine.checkpoint.loading import load_checkpoint_file
from mmbfbox.engine.compat import note_initialization
from mmbfbox.errors import UserError


@WEIGHT_INITIALIZERS.register_module()
class PretrainedWeights(PretrainedInit):
    """mmengine's ``init_cfg=dict(type='Pretrained', checkpoint=FILE)``, safe and complete.

    It takes that name after :func:`~mmbfbox.engine.use_safe_loading`; its own is ``PretrainedWeights``.

    mmengine's own initializer takes whatever fits: a file of another network leaves the backbone as it
    was, with a line in the log. Here every weight of the module must be in the file. What the file
    holds besides, like a classifier, is not used. It may be a plain state dict, a checkpoint with a
    ``state_dict``, or that of a detector, whose ``backbone.`` is taken.

    Args:
        checkpoint: the file; it is read with ``weights_only=True``.
        prefix: use only the names that start with it, without it. Defaults to None.
        map_location: as for :func:`torch.load`.

    Raises:
        UserError: when the weights are loaded: the file is missing, damaged or not safe, or it does not
            hold all weights of the module.
    """

    def __call__(self, module: nn.Module) -> None:
        """Load the weights into ``module``."""
        data = load_checkpoint_file(self.checkpoint, self.map_location)
        state: dict[str, Any] = data.get('state_dict', data)
        state = {name.removeprefix('module.'): value for name, value in state.items()}
        prefix = self.prefix
        if prefix is None and any(name.startswith('backbone.') for name in state):
            prefix = 'backbone.'
        if prefix is not None:
            state = {
                name.removeprefix(prefix): value
                for name, value in state.items()
                if name.startswith(prefix)
            }
        try:
            missing = module.load_state_dict(state, strict=False).missing_keys
        except RuntimeError as error:
            raise UserError(
                f'the weights in {self.checkpoint} have other shapes than this '
                f'{type(module).__name__}; use a file of the same network'
            ) from error
        # Files older than PyTorch 0.4.1 do not count the batches.
        missing = [name for name in missing if not name.endswith('num_batches_tracked')]
        if missing:
            raise UserError(
                f'{self.checkpoint} lacks {len(missing)} of the {len(module.state_dict())} weights of '
                f'this {type(module).__name__} (first: {missing[0]}); use a file of the same network'
            )
        print_log(f'{type(module).__name__}: weights from {self.checkpoint}', logger='current')
        note_initialization(module, self)
