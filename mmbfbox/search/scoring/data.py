"""The data that scores depend on: what a config must say of it, and its data sets."""

from __future__ import annotations

from typing import Any

from mmdet.registry import DATASETS
from mmengine import Config

from mmbfbox.errors import UserError

NEEDED = ('recalibration_dataloader', 'held_out_dataloader', 'held_out_evaluator')


def check_config(config: Config) -> None:
    """Check that the config has what scoring needs.

    Raises:
        UserError: it has not.
    """
    missing = [key for key in NEEDED if key not in config]
    if missing:
        raise UserError(
            f'the config lacks {", ".join(missing)}, which scoring needs; inherit from a search '
            f'config like configs/paper/bfbox_search_wider_face.py'
        )


def build_dataset(config: Any, name: str) -> Any:
    """The dataset of a dataloader's config.

    Raises:
        UserError: it has no images, or candidates cannot be scored on them.
    """
    dataset = DATASETS.build(config.dataset)
    if not len(dataset):
        raise UserError(f'{name}_dataloader has no images; give at least one')
    if name == 'held_out' and not isinstance(dataset.get_data_info(0).get('img_id'), str):
        raise UserError(
            f'held_out_dataloader has a {type(dataset).__name__}, which only numbers its images, and '
            "candidates are scored by WIDER FACE's protocol; give these images as a wider_face_*_bbx_gt.txt "
            'to WiderFaceDataset'
        )
    return dataset


def image_names(dataset: Any) -> list[str]:
    """The names of a dataset's images, in order."""
    return [str(dataset.get_data_info(index)['img_id']) for index in range(len(dataset))]


def batch_sizes(config: Config, held_out: int | None = None) -> dict[str, Any]:
    """How many images are computed at once, as the identity of a scorer says it.

    Args:
        config: config of the search.
        held_out: of the held-out images, if it is not that of their loader.
    """
    return {
        'batch_size': held_out or config.held_out_dataloader.get('batch_size', 1),
        'recalibration_batch_size': config.recalibration_dataloader.get('batch_size', 1),
    }
