"""Making mmengine load checkpoints without running what is in them, in programs that ask for it."""

from __future__ import annotations

from typing import Any

from mmdet.registry import WEIGHT_INITIALIZERS
from mmengine.runner.checkpoint import CheckpointLoader

from mmbfbox.engine.checkpoint.loading import load_checkpoint_file
from mmbfbox.engine.checkpoint.pretrained import PretrainedWeights


def use_safe_loading() -> None:
    """From now on mmengine reads local files by :func:`~mmbfbox.engine.load_checkpoint_file`.

    It holds for the whole process, and for ``load_from``, ``resume`` and every other load by mmengine;
    ``init_cfg=dict(type='Pretrained')`` in mmdet's scope becomes
    :class:`~mmbfbox.engine.PretrainedWeights`. Our tools call it, and so do runs whose config has
    ``ResumableTrainLoop`` or ``SafeCheckpointHook``. Importing the package changes nothing: other programs
    keep mmengine's own ways.
    """
    CheckpointLoader.register_scheme('', load_from_local, force=True)
    WEIGHT_INITIALIZERS.register_module(name='Pretrained', module=PretrainedWeights, force=True)


def load_from_local(filename: str, map_location: Any) -> dict[str, Any]:
    """mmengine's loader of local files, made safe."""
    data = load_checkpoint_file(filename, map_location)
    if isinstance(data.get('meta'), dict):
        data['meta'].pop('config', None)  # mmengine would run this text as a program
    return data
