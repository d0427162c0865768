"""The searches that benchmarks measure: of the demo, of half the paper's width, of the paper's size."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import torch
from mmdet.registry import MODELS
from mmengine import Config
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from mmbfbox.engine import load_checkpoint_file, load_weights
from mmbfbox.evaluation.metrics import xyxy_to_xywh
from mmbfbox.evaluation.wider.ground_truth import WiderGroundTruth
from mmbfbox.search.scoring.data import build_dataset
from mmbfbox.search.scoring.fast.prefix import path_of, shared_length
from mmbfbox.space import Arch, CostTable
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import set_data_root
from mmbfbox.utils.quiet import build_quietly

Search = tuple[Config, dict[str, Tensor], nn.Module]


def build_search(name: str, data: str, supernet: str | None = None, **model: Any) -> Search:
    """Config, weights and model of a search.

    Args:
        name: of a search config.
        data: folder in WIDER layout.
        supernet: checkpoint; None initialises the weights at random.
        model: changes of the model config.
    """
    config = load_config(name)
    set_data_root(config, data)
    config.merge_from_dict(dict(model=model))
    init_default_scope('mmdet')
    logging.disable(logging.INFO)
    torch.manual_seed(0)
    built = build_quietly(lambda: MODELS.build(config.model))
    if supernet is None:
        build_quietly(built.init_weights)
    else:
        load_weights(built, load_checkpoint_file(supernet)['state_dict'], supernet)
    weights = {name: tensor.clone() for name, tensor in built.state_dict().items()}
    return config, weights, built.eval()


def hard_faces(config: Config) -> int:
    """Faces of the held-out images that count as hard: one more found moves AP by about its share."""
    dataset = build_dataset(config.held_out_dataloader, 'held_out')
    infos = [dataset.get_data_info(index) for index in range(len(dataset))]
    faces = WiderGroundTruth.from_boxes_by_size(
        {info['img_id']: xyxy_to_xywh(info['gt_boxes']) for info in infos},
        {info['img_id']: info['gt_valid'] for info in infos},
    )
    return sum(int(keep.sum()) for keep in faces.keep['hard'])


def image_numbers(config: Config) -> tuple[int, int]:
    """How many images a search recalibrates on, and how many it scores."""
    recalibration, held_out = (
        len(build_dataset(config[f'{name}_dataloader'], name))
        for name in ('recalibration', 'held_out')
    )
    return recalibration, held_out


def macs_with_reuse(
    costs: CostTable, archs: Iterable[Arch], images: tuple[int, int]
) -> tuple[int, int]:
    """Multiply-adds of scoring archs one after the other, without and with prefix reuse.

    Args:
        costs: of the whole detector.
        archs: in the order in which they are scored; nothing is known before the first.
        images: how many are recalibrated on and how many scored.
    """
    recalibration, held_out = images
    tables = [table for stage in costs.slots for table in stage]
    total = saved = 0
    earlier: tuple[str, ...] = ()
    for path in map(path_of, archs):
        units = [costs.stem.macs, *(t[c].macs for t, c in zip(tables, path[1:], strict=True))]
        total += sum(units) * (recalibration + held_out) + costs.fixed.macs * held_out
        saved += sum(units[: shared_length(path, earlier)]) * (recalibration + held_out)
        earlier = path
    return total, total - saved


def wide_search(data: str, images: tuple[int, int] = (24, 32), share: int = 2) -> Search:
    """The paper's space at half its width, on images of 192 pixels, padded to 256.

    Args:
        data: folder in WIDER layout.
        images: how many are recalibrated on and how many scored.
        share: divides all widths.
    """
    widths = [width // share for width in (256, 256, 512, 512, 512, 256)]
    search = build_search(
        'paper/bfbox_search_wider_face',
        data,
        backbone=dict(stem_channels=64 // share, out_channels=widths),
        neck=dict(in_channels=widths, channels=256 // share),
        bbox_head=dict(in_channels=256 // share),
    )
    config = search[0]
    small = load_config('demo/bfbox_search_demo')
    set_data_root(small, data)
    for name in ('recalibration_dataloader', 'held_out_dataloader'):
        config[name] = small[name]
        config[name].batch_size = 8
        config[name].dataset.update(recalibration=images[0], held_out=images[1])
    config.search.size = (256, 256)
    return search
