"""Which images a supernet was trained on, from the config that its checkpoint carries."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from mmdet.registry import DATASETS
from mmengine import Config

from mmbfbox.search.scoring.data import image_names
from mmbfbox.utils.config import config_from_text
from mmbfbox.utils.data_root import face_category_of, set_data_root_if_there


def training_images(meta: Mapping[str, Any], config: Config, source: str) -> frozenset[str] | None:
    """Names of the images that a supernet was trained on.

    Args:
        meta: notes of its checkpoint; ``cfg`` is the config that it was trained with.
        config: config of the search. Its data root takes the place of the training's, which may stand
            on another machine.
        source: what the checkpoint is called in the warning.

    Returns:
        None, with a warning, where the checkpoint carries no config, or the data of its training cannot
        be read.
    """
    try:
        training = config_from_text(meta['cfg'], source)
        root = config.get('data_root')
        if isinstance(root, str) and training.get('data_root'):
            set_data_root_if_there(training, root, face_category_of(config))
        dataset = DATASETS.build(training.train_dataloader.dataset)
        return frozenset(image_names(dataset))
    # Whatever another version's config asks for: what is not known is said to be not known.
    except Exception as error:
        reason = f'{type(error).__name__}: {str(error)[:150]}'
        warnings.warn(
            f'which images {source} was trained on cannot be told ({reason}); the report says so',
            stacklevel=2,
        )
        return None
