"""The data that scores depend on: what a config must say of it, and its data sets."""

from __future__ import annotations

from typing import Any

from mmdet.registry import DATASETS
from mmengine import Config, ConfigDict

from mmbfbox.errors import UserError

NEEDED = ('recalibration_dataloader', 'held_out_dataloader', 'held_out_evaluator')

RECALIBRATIONS = ('images', 'crops')
CROPS = 480
"""Training crops whose statistics are pooled: those of a few hundred differ by less than the AP shows."""


def check_config(config: Config) -> None:
    """Check that the config has what scoring needs.

    Raises:
        UserError: it has not.
    """
    missing = [key for key in NEEDED if not config.get(key)]
    if missing:
        raise UserError(
            f'the config lacks {", ".join(missing)}, which scoring needs; inherit from a search '
            f'config like configs/paper/bfbox_search_wider_face.py'
        )


def recalibration_loader(config: Config) -> Any:
    """The loader of what batch norm of a candidate is recalibrated on.

    With ``search.recalibration='images'``, the default, it is ``recalibration_dataloader``: whole training
    images, letterboxed as for the score. With ``'crops'`` it is a fixed list of crops of the training
    pipeline, in batches as in training; ``tools/test.py --norm-statistics crops`` takes just these.

    Raises:
        UserError: another word, or a config without training images.
    """
    kind = (config.get('search') or {}).get('recalibration', 'images')
    if kind not in RECALIBRATIONS:
        raise UserError(
            f'search.recalibration is {kind!r}, expected one of {", ".join(RECALIBRATIONS)}'
        )
    if kind == 'images':
        return config.recalibration_dataloader
    loader = config.get('train_dataloader')
    if loader is None:
        raise UserError(
            "search.recalibration='crops' needs train_dataloader, whose crops they are; inherit from the "
            "supernet's config, or use 'images'"
        )
    crops = dict(type='FixedSamples', dataset=loader.dataset, number=CROPS)
    return ConfigDict(dataset=crops, batch_size=loader.get('batch_size', 1), num_workers=0)


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
        'recalibration_batch_size': recalibration_loader(config).get('batch_size', 1),
    }
