"""How a config says what is tested and how: benchmark, scale, views, levels."""

from __future__ import annotations

import inspect
import re
from typing import Any

from mmengine import Config

from mmbfbox.artifacts.test_settings import TestSettings
from mmbfbox.errors import UserError
from mmbfbox.inference.multi_view import MultiViewDetector
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
        UserError: the preset is unknown, there is neither a preset nor a ``tta_model``, or the detector
            has two stages.
    """
    if preset is not None and preset not in PRESETS:
        raise UserError(f'the test preset {preset!r} is unknown; take one of {", ".join(PRESETS)}')
    if preset is None and 'tta_model' not in config:
        raise UserError(f'the config has no tta_model; name a preset: {", ".join(PRESETS)}')
    if 'bbox_head' not in config.model:
        raise UserError(
            f'{config.model.type} has no bbox_head, and several views need a detector of one stage; leave '
            f'--tta out'
        )
    wrapper = dict(type='MultiViewDetector', preset=preset) if preset else config.tta_model
    use_scheme(config, 'original')
    config.model = dict(**wrapper, module=config.model)


def use_levels(config: Config) -> None:
    """Report every pyramid level on its own, too.

    Args:
        config: its model and its test evaluator are wrapped.

    Raises:
        UserError: the detector has no head with one set of anchors a level, like RetinaNet's.
    """
    head: Any = config.model.get('bbox_head') or {}
    if 'anchor_generator' not in head:
        raise UserError(
            f'the head {head.get("type")} of {config.model.type} has no anchors, and each level alone can '
            f'be tested only of a detector of one stage with anchors, like RetinaNet; leave --per-level out'
        )
    strides = head.anchor_generator.strides
    config.model = dict(type='PerLevelDetector', module=config.model)
    config.test_evaluator = dict(
        type='PerLevelMetric',
        metric=config.test_evaluator,
        levels=len(strides),
        # Level 3 has stride 8.
        first_level=int(strides[0]).bit_length() - 1,
    )


def describe(config: Config) -> TestSettings:
    """What decides how boxes are found, read from the config itself, to be kept with every result."""
    model, tta = config.model, None
    if model.type in TTA_TYPES:
        tta = _views_of(model) if model.type == 'MultiViewDetector' else None
        model = model.module
    test_cfg = model.get('test_cfg') or {}
    # A detector of two stages has settings for each; the boxes are those of the second.
    test_cfg = test_cfg.get('rcnn', test_cfg)
    preset = PRESETS.get(str(tta.get('preset'))) if tta else None
    nms = test_cfg.get('nms') or {}
    return TestSettings(
        scheme='multi-scale' if tta else _scale(config.test_dataloader.dataset.pipeline),
        tta=tta,
        score_thr=test_cfg.get('score_thr'),
        nms_iou=(preset and preset.nms_iou) or nms.get('iou_threshold'),
        max_per_img=test_cfg.get('max_per_img'),
    )


def _views_of(wrapper: Any) -> dict[str, Any]:
    """All settings of a :class:`MultiViewDetector`, also those that are at their defaults."""
    given = {key: value for key, value in wrapper.items() if key not in ('module', 'type')}
    preset = PRESETS.get(str(given.get('preset')))
    if preset is not None:
        vote = dict(vote_iou=preset.vote_iou, singletons=preset.singletons)
        return dict(preset=given['preset'], **vote)
    parameters = inspect.signature(MultiViewDetector).parameters
    names = [name for name in parameters if name not in ('module', 'preset')]
    return {name: given.get(name, parameters[name].default) for name in names}


def _scale(pipeline: list[Any]) -> str:
    """The one scale of a pipeline, in words."""
    steps = {step['type']: step for step in pipeline}
    if 'Resize' not in steps:
        return 'original size'
    scale = steps['Resize'].get('scale')
    if scale is None:
        return f'resized by {steps["Resize"].get("scale_factor")}'
    low, high = sorted(scale)
    words = f'long side {high}' if low == high else f'short side {low}, long side at most {high}'
    return words + (', padded to a fixed canvas' if 'Pad' in steps else '')
