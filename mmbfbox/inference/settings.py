"""How a config says what is tested and how: benchmark, scale, views, levels."""

from __future__ import annotations

import re
from typing import Any

from mmengine import Config

from mmbfbox.errors import UserError
from mmbfbox.inference.views import PRESETS
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import replace_data_root

BENCHMARKS = {'fddb': 'fddb', 'afw': 'afw', 'pascal': 'pascal_face'}
SCHEMES = ('original', 'vga', '1100x1650', '1600x2150')
TTA_TYPES = ('MultiViewDetector', 'PerLevelDetector')


def use_benchmark(config: Config, benchmark: str, data_root: str | None = None) -> None:
    """Test on another benchmark than the config's.

    Args:
        config: its test loader and evaluator are replaced by those of
            ``configs/_base_/datasets/{fddb,afw,pascal_face}.py``.
        benchmark: ``'fddb'``, ``'afw'`` or ``'pascal'``.
        data_root: folder of its annotations and images; None keeps that of the base config.
    """
    base = load_config(f'_base_/datasets/{BENCHMARKS[benchmark]}.py')
    if data_root is not None:
        replace_data_root(base, data_root)
    config.test_dataloader = base.test_dataloader
    config.test_evaluator = base.test_evaluator


def use_scheme(config: Config, scheme: str) -> None:
    """Test at one scale.

    Args:
        config: the test pipeline loads, resizes with the aspect kept, and packs as before.
        scheme: ``'original'``; ``'vga'``, long side 640, as SCRFD reports; or ``'SHORTxLONG'``: short
            side SHORT unless the long side would exceed LONG, like ``'1100x1650'`` (TinaFace) and
            ``'1600x2150'`` (RetinaFace).

    Raises:
        UserError: it is none of these.
    """
    sides = re.fullmatch(r'([1-9]\d{1,4})x([1-9]\d{1,4})', scheme)
    if scheme == 'original':
        steps = []
    elif scheme == 'vga':
        steps = [dict(type='Resize', scale=(640, 640), keep_ratio=True)]
    elif sides and int(sides[1]) <= int(sides[2]):
        steps = [dict(type='Resize', scale=(int(sides[2]), int(sides[1])), keep_ratio=True)]
    else:
        raise UserError(
            f'the test scheme is {scheme!r}; give "original", "vga" or SHORTxLONG, like 1100x1650'
        )
    dataset = config.test_dataloader.dataset
    dataset.pipeline = [dict(type='LoadFaceImage'), *steps, dataset.pipeline[-1]]
    # Images of different shapes in a batch would be padded to the largest.
    config.test_dataloader.batch_size = 1


def use_views(config: Config, preset: str | None = None) -> None:
    """Test with several views and box voting.

    Args:
        config: its model is wrapped.
        preset: one of :data:`~mmbfbox.inference.views.PRESETS`; None takes the config's
            ``tta_model``, a :class:`~mmbfbox.inference.MultiViewDetector` without ``module``.

    Raises:
        UserError: the preset is unknown, or there is neither a preset nor a ``tta_model``.
    """
    if preset is not None and preset not in PRESETS:
        raise UserError(f'the test preset {preset!r} is unknown; take one of {", ".join(PRESETS)}')
    if preset is None and 'tta_model' not in config:
        raise UserError(f'the config has no tta_model; name a preset: {", ".join(PRESETS)}')
    wrapper = dict(type='MultiViewDetector', preset=preset) if preset else config.tta_model
    use_scheme(config, 'original')
    config.model = dict(**wrapper, module=config.model)


def use_levels(config: Config) -> None:
    """Report every pyramid level on its own, too.

    Args:
        config: its model and its test evaluator are wrapped.
    """
    levels = len(config.model.bbox_head.anchor_generator.strides)
    config.model = dict(type='PerLevelDetector', module=config.model)
    config.test_evaluator = dict(type='PerLevelMetric', metric=config.test_evaluator, levels=levels)


def describe(config: Config) -> dict[str, Any]:
    """What decides how boxes are found, read from the config itself, to be kept with every result.

    Returns:
        ``scheme`` in words, ``tta`` (settings of the views, or None), ``score_thr``, ``nms_iou`` and
        ``max_per_img``.
    """
    model = config.model
    tta = None
    if model.type in TTA_TYPES:
        settings = {key: value for key, value in model.items() if key not in ('module', 'type')}
        tta = settings if model.type == 'MultiViewDetector' else None
        model = model.module
    test_cfg = model.test_cfg
    nms = PRESETS[tta['preset']].nms_iou if tta and tta.get('preset') else None
    scheme = 'multi-scale' if tta else _scale(config.test_dataloader.dataset.pipeline)
    return dict(
        scheme=scheme,
        tta=tta and _with_preset(tta),
        score_thr=test_cfg.score_thr,
        nms_iou=nms or test_cfg.nms.iou_threshold,
        max_per_img=test_cfg.max_per_img,
    )


def _scale(pipeline: list[Any]) -> str:
    """The one scale of a pipeline, in words."""
    steps = {step['type']: step for step in pipeline}
    if 'Resize' not in steps:
        return 'original size'
    low, high = sorted(steps['Resize']['scale'])
    words = f'long side {high}' if low == high else f'short side {low}, long side at most {high}'
    return words + (', padded to a fixed canvas' if 'Pad' in steps else '')


def _with_preset(tta: dict[str, Any]) -> dict[str, Any]:
    preset = PRESETS.get(str(tta.get('preset')))
    if preset is None:
        return dict(tta)
    return dict(tta, vote_iou=preset.vote_iou, singletons=preset.singletons)
