"""The paper's configs at three scales: as they are, and shrunk by one rule to hours and to minutes.

The rule keeps what makes a row (its types, depths, choices, topology, what is fixed in its search) and
changes everything else: widths and slots of searched stages are divided, data and schedule are those of
the chain's own configs (``configs/_base_/trainings/demo.py`` and ``mini.py``), and iterations and
candidates are fewer.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmdet.registry import MODELS
from mmengine import Config
from mmengine.registry import init_default_scope

from mmbfbox.errors import UserError
from mmbfbox.models import cost_table
from mmbfbox.reproduce.tables import config_name
from mmbfbox.space import BackboneSpace
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import replace_data_root
from mmbfbox.utils.without_storage import without_storage

PAPER_BATCH = 28
"""Images of an iteration, 4 GPUs x 7 (section 5.1)."""

WIDTHS = ('stem_channels', 'base_channels', 'out_channels', 'channels', 'growth', 'extra')
LOADERS = ('train', 'val', 'test', 'held_out', 'recalibration')
KEPT = (
    *(
        'default_scope',
        'custom_imports',
        'default_hooks',
        'custom_hooks',
        'env_cfg',
        'vis_backends',
    ),
    *('visualizer', 'log_processor', 'log_level', 'load_from', 'resume', 'randomness', 'tta_model'),
    *('model', 'model_wrapper_cfg', 'data_root', 'train_cfg', 'optim_wrapper', 'param_scheduler'),
    *('val_cfg', 'test_cfg', 'val_evaluator', 'test_evaluator', 'held_out_evaluator', 'search'),
    *('final_config', 'supernet_check', *(f'{loader}_dataloader' for loader in LOADERS)),
)
"""What a written config holds; its bases also have names for parts of these."""


@dataclass(frozen=True)
class Scale:
    """How much of the paper's work is done.

    Args:
        name: ``'paper'``, ``'mini'`` or ``'demo'``.
        what: the budget in words.
        training: base config of data and schedule; None keeps the paper's.
        divisor: all widths are divided by it.
        slots: the slots of a searched stage are divided by it.
        batch: images of an iteration; 0 keeps the paper's.
        canvas: side of the training images in pixels.
        score: side that candidates and results are scored at; 0 is the original size.
        iterations: training iterations as a fraction of the paper's.
        candidates: candidates of a search, whatever the sampler; 0 keeps the paper's.
        sides: long sides that figure 1(c) tests at.
        canvases: sides that figure 1(c) trains at.
        images: training and validation images that are made; None needs a folder of the user's.
    """

    name: str
    what: str
    training: str | None
    divisor: int
    slots: int
    batch: int
    canvas: int
    score: int
    iterations: float
    candidates: int
    sides: tuple[int, ...]
    canvases: tuple[int, ...]
    images: tuple[int, int] | None = None


SCALES = {
    scale.name: scale
    for scale in (
        Scale(
            'paper', 'the full schedule on WIDER FACE: supernets 150 k and networks 80 k iterations of 28 '
            'images of 640x640', None, 1, 1, 0, 640, 0, 1, 0,
            (320, 480, 640, 800, 960, 1280), (384, 512, 640, 768, 1024),
        ),
        Scale(
            'mini', 'widths / 4, two slots a searched stage, supernets 1,500 and networks 800 iterations of '
            '16 images of 256x256, 32 candidates a search, scored at VGA scale',
            '_base_/trainings/mini.py', 4, 2, 16, 256, 640, 0.01, 32,
            (320, 480, 640, 960), (256, 384, 512),
        ),
        Scale(
            'demo', 'widths / 8, one slot a searched stage, supernets 750 and networks 400 iterations of 12 '
            'images of 128x128, 16 candidates a search; the images are drawn as those of make demo are',
            '_base_/trainings/demo.py', 8, 4, 12, 128, 128, 0.005, 16,
            (64, 96, 128, 192), (128, 256), (480, 160),
        ),
    )
}  # fmt: skip


def derive(
    name: str,
    scale: Scale,
    data_root: str | Path,
    seed: int,
    *,
    gpus: int = 1,
    canvas: int | None = None,
    options: Mapping[str, Any] | None = None,
) -> Config:
    """A config of the paper at a scale.

    Args:
        name: the paper's network or search, as :func:`config_name` takes it.
        scale: the scale.
        data_root: folder in WIDER FACE layout; it need not exist yet.
        seed: of weights, data order, sampled paths and candidates.
        gpus: processes that share the paper's 28 images.
        canvas: another side of the training images than the scale's.
        options: changes of the paper's config, dotted key to value.

    Raises:
        UserError: ``gpus`` does not divide the batch, or a config or option is bad.
    """
    config = _paper(name)
    config.merge_from_dict(dict(options or {}))
    if scale.training is None:
        if gpus < 1 or PAPER_BATCH % gpus:
            raise UserError(
                f'--gpus is {gpus}, which does not divide the {PAPER_BATCH} images of an iteration; '
                'give 1, 2, 4, 7, 14 or 28'
            )
        config.train_dataloader.batch_size = PAPER_BATCH // gpus
    else:
        _shrink(config, scale)
    for step in _pipeline_steps(config):
        if 'canvas' in step:
            step['canvas'] = canvas or scale.canvas
    config = Config({key: config[key] for key in KEPT if key in config})
    replace_data_root(config, data_root)
    config.data_root = str(data_root).rstrip('/') + '/'
    config.randomness = dict(seed=seed)
    for hook in config.custom_hooks:
        if hook['type'] == 'PathSamplingHook':
            hook['seed'] = seed
    if 'search' in config:
        config.search.seed = seed
    return config


def _paper(name: str) -> Config:
    return copy.deepcopy(_read(config_name(name)))


@functools.cache
def _read(name: str) -> Config:
    return load_config(name)


def _shrink(config: Config, scale: Scale) -> None:
    base = copy.deepcopy(_read(str(scale.training)))
    if 'search' in config:
        _shrink_search(config, scale)
    if 'model' in config:  # a subnet's training settings have none
        narrow(config.model, scale)
    iterations = round(config.train_cfg.max_iters * scale.iterations)
    stretch = iterations / base.train_cfg.max_iters
    for scheduler in base.param_scheduler:
        for key in ('begin', 'end', 'T_max'):
            if key in scheduler:
                scheduler[key] = round(scheduler[key] * stretch)
    part = config.train_dataloader.dataset.part
    known = {hook['type'] for hook in config.custom_hooks}
    new_hooks = [hook for hook in base.custom_hooks if hook['type'] not in known]
    config.custom_hooks = [*config.custom_hooks, *new_hooks]
    for key in ('optim_wrapper', 'param_scheduler', 'default_hooks', 'train_cfg'):
        config[key] = base[key]
    for loader in LOADERS:
        config[f'{loader}_dataloader'] = base[f'{loader}_dataloader']
    config.train_cfg.max_iters = iterations
    config.train_dataloader.update(batch_size=scale.batch)
    config.train_dataloader.dataset.part = part
    # Everything is scored as candidates are: whole images on a canvas, in batches.
    scored = base.held_out_dataloader
    config.test_dataloader.batch_size = scored.batch_size
    config.test_dataloader.dataset.pipeline = scored.dataset.pipeline
    for step in _pipeline_steps(config):
        for key in {'Resize': ('scale',), 'Pad': ('size',)}.get(step['type'], ()):
            step[key] = (scale.score, scale.score)
    # The test that follows says the same as a validation at the end.
    config.update(val_cfg=None, val_dataloader=None, val_evaluator=None, supernet_check=None)


def _shrink_search(config: Config, scale: Scale) -> None:
    """Before the model is narrowed: constraints keep their place among the costs of random networks."""
    search = config.search
    search.update(candidates=scale.candidates, size=(scale.score, scale.score))
    search.best = min(search.best, scale.candidates)
    sampler = search.get('sampler')
    if sampler:
        population = max(2, scale.candidates // 4)
        sampler.top = max(2, round(sampler.top * population / sampler.population))
        sampler.population = population
    bounds = search.get('constraints', {}).get('backbone_macs')
    if bounds:
        narrowed = copy.deepcopy(config.model)
        narrow(narrowed, scale)
        ratio = median_macs(narrowed) / median_macs(config.model)
        for bound in bounds:
            bounds[bound] *= ratio


def median_macs(model: Mapping[str, Any], samples: int = 101) -> int:
    """Median multiply-adds, at 224x224, of the backbones of random archs of a supernet."""
    init_default_scope('mmdet')
    with without_storage():
        table = cost_table(MODELS.build(copy.deepcopy(model)), (224, 224))
    archs = (table.space.sample(0, index) for index in range(samples))
    return sorted(table.backbone(arch.stages).macs for arch in archs)[samples // 2]


def narrow(model: Mapping[str, Any], scale: Scale) -> None:
    """Divide every width of a detector, those of its modules' defaults as well, and its slots.

    A backbone space of one network, like that of table 6, keeps its slots: they are that network.

    Args:
        model: model config; changed in place.
        scale: says what they are divided by.
    """
    backbone = model['backbone']
    if backbone['type'] == 'SearchableFaceBackbone':
        choices = backbone.get('deep_choices', BackboneSpace.deep_choices)
        if len(choices) > 1:
            depths = backbone.get('depths', BackboneSpace.depths)
            backbone['depths'] = [max(1, depth // scale.slots) for depth in depths]
    for part in ('backbone', 'neck', 'bbox_head'):
        for module in model[part] if isinstance(model[part], list) else [model[part]]:
            _narrow(module, scale.divisor)


def _narrow(module: Any, divisor: int) -> None:
    if 'backbone' in module:
        _narrow(module['backbone'], divisor)
    parameters = inspect.signature(MODELS.get(module['type'])).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    if module['type'] == 'SearchableFaceBackbone':
        defaults |= {
            name: getattr(BackboneSpace, name) for name in ('stem_channels', 'out_channels')
        }
    for key in WIDTHS:
        value = module.get(key, defaults.get(key))
        if isinstance(value, (int, list, tuple)):
            module[key] = _divided(value, divisor)
    # Of a backbone whose config does not say it, this is the 3 of an image.
    if 'in_channels' in module:
        module['in_channels'] = _divided(module['in_channels'], divisor)
    if 'divisor' in parameters:
        module['divisor'] = divisor


def _divided(value: Any, divisor: int) -> Any:
    if isinstance(value, (list, tuple)):
        return [_divided(item, divisor) for item in value]
    return max(4, value // divisor)


def _pipeline_steps(config: Config) -> Iterator[Any]:
    """Every step of every data pipeline, those inside another one as well."""

    def unfold(steps: Any) -> Iterator[Any]:
        for step in steps:
            yield step
            yield from unfold(step.get('transforms', []))

    for loader in LOADERS:
        if config.get(f'{loader}_dataloader'):
            yield from unfold(config[f'{loader}_dataloader'].dataset.pipeline)
