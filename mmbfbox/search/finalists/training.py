"""How finalists are trained: the config of each, and what they have in common.

All rungs are parts of *one* schedule: a training stops at a rung and goes on from its checkpoint, so nothing
is trained twice, a network sees the crops that it would have seen without rungs, and what comes to the last
rung is an ordinary training. The learning rate is still high at the early rungs, where raw weights say
little; therefore the moving average of the weights is scored. A schedule of its own for each rung would
cost a fourth more and would compare networks at the end of trainings that nobody wants.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

from mmdet.registry import DATASETS
from mmengine import Config

from mmbfbox.artifacts.finalists import FINALISTS_FOLDER, Finalist
from mmbfbox.errors import UserError
from mmbfbox.export import subnet_config
from mmbfbox.search.finalists.settings import FinalistSettings
from mmbfbox.search.scoring.data import image_names
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import replace_data_root
from mmbfbox.utils.fingerprint import fingerprint

AVERAGE = dict(
    type='EMAHook',
    ema_type='MomentumAnnealingEMA',
    momentum=1e-4,
    gamma=10,
    update_buffers=True,
)
"""Where the training has none of its own: its window grows with the training and is always about the last
tenth of it, so it suits every rung."""

_STEPS = ('begin', 'end', 'T_max', 'total_iters', 'step_size', 'milestones')
"""What a schedule counts in iterations."""
_SPLIT = ('held_out', 'recalibration', 'split_seed')


def final_config_of(config: Config) -> str:
    """The name of the config that trains what the search finds.

    Raises:
        UserError: the search names none.
    """
    final = config.get('final_config')
    if not final:
        raise UserError(
            'search.finalists needs final_config, the config that they are trained with; name it in the '
            'search config, or set search.finalists=None'
        )
    return str(final)


def finalist_config(config: Config, settings: FinalistSettings, network: Finalist) -> Config:
    """The config that trains and scores one finalist.

    It is the training of ``final_config``, without the images that the search scores on; its test images
    are those.

    Args:
        config: of the search.
        settings: of its finalists.
        network: what is trained.

    Raises:
        UserError: a config is missing or not usable.
    """
    final, root = final_config_of(config), config.get('data_root')
    if network.arch is not None:
        trained = subnet_config(final, config.model, network.arch, root, settings.options)
    else:
        trained = load_config(final, settings.options)
        if root and root != trained.get('data_root'):
            replace_data_root(trained, root)
        trained.model = baseline_model(settings)
    _train(trained, config, settings)
    if settings.stored_gigabytes:
        trained.train_dataloader.dataset = stored(
            trained.train_dataloader.dataset, crops_folder(config), settings.stored_gigabytes
        )
    return trained


def stored(dataset: Any, folder: Path, gigabytes: float) -> dict[str, Any]:
    """The config of a data set whose samples are rendered once for all trainings."""
    return dict(type='StoredSamples', dataset=dataset, folder=str(folder), gigabytes=gigabytes)


def crops_folder(config: Config) -> Path:
    """Where the crops of all finalists are kept until the last one is trained."""
    return Path(config.work_dir) / FINALISTS_FOLDER / 'crops'


def check_finalists(config: Config, candidates: int | None = None) -> FinalistSettings | None:
    """What a search config says about finalists, checked before anything is scored; None if it has none.

    Args:
        config: of the search.
        candidates: how many it scores; those of the config by default.

    Raises:
        UserError: a key is wrong, there are not enough candidates, or a config cannot be used.
    """
    search = config.get('search') or {}
    settings = FinalistSettings.build(search.get('finalists'))
    wanted = candidates or search.get('candidates')
    if settings is not None and isinstance(wanted, int):
        settings.check_candidates(wanted)
        settings.iterations_of(whole_iterations(config, settings))
        if settings.baseline is not None:
            baseline_model(settings)
    return settings


def training_fingerprint(config: Config, settings: FinalistSettings) -> str:
    """What all finalists have in common, as twelve digits; the same wherever the data lies."""
    trained = load_config(final_config_of(config), settings.options)
    root, model = trained.get('data_root'), trained.get('model')
    _train(trained, config, settings)
    for loader in (trained.test_dataloader, trained.train_dataloader):
        for part in _dataset_parts(loader):
            part.pop('data_root', None)
    shared = {key: trained[key] for key in trained if key not in ('model', 'data_root')}
    text = repr(Config(shared).to_dict())
    if root:
        text = text.replace(root.rstrip('/'), '<data>')
    return fingerprint(dict(training=text, model=str(model)))


def whole_iterations(config: Config, settings: FinalistSettings) -> int:
    """Iterations of a whole training.

    Raises:
        UserError: the training is counted in epochs.
    """
    loop = load_config(final_config_of(config), settings.options).get('train_cfg') or {}
    if 'max_iters' not in loop:
        raise UserError(
            f'{final_config_of(config)} has no train_cfg.max_iters, by which finalists are trained; give '
            f'a final_config whose training is counted in iterations'
        )
    return int(settings.iterations or loop['max_iters'])


def baseline_model(settings: FinalistSettings) -> Any:
    """The model of the baseline.

    Raises:
        UserError: its config does not exist or has none.
    """
    model = load_config(str(settings.baseline)).get('model')
    if model is None:
        raise UserError(
            f'search.finalists.baseline is {settings.baseline}, which has no model; give the config of a '
            f'detector, or None'
        )
    return model


def check_images(trained: Config, scored: set[str]) -> None:
    """Check that no finalist is trained on an image that it is scored on.

    Args:
        trained: config of a finalist.
        scored: names of the held-out images.

    Raises:
        UserError: one is.
    """
    shared = scored & set(image_names(DATASETS.build(trained.train_dataloader.dataset)))
    if shared:
        raise UserError(
            f'{len(shared)} of the {len(scored)} images that finalists are scored on are in the training '
            f'set of final_config, too ({min(shared)}); give it a data set with the part "train"'
        )


def _train(trained: Config, config: Config, settings: FinalistSettings) -> None:
    """Give a config the training, the images and the seed of finalists."""
    split = next(_dataset_parts(config.held_out_dataloader), {})
    for part in _dataset_parts(trained.train_dataloader):
        if 'part' in part:
            part.update(part='train', **{key: split[key] for key in _SPLIT if key in split})
    trained.val_cfg = trained.val_dataloader = trained.val_evaluator = None
    trained.test_dataloader = copy.deepcopy(config.held_out_dataloader)
    trained.test_evaluator = copy.deepcopy(config.held_out_evaluator)
    trained.recalibration_dataloader = copy.deepcopy(config.recalibration_dataloader)
    trained.test_cfg = trained.get('test_cfg') or dict(type='TestLoop')
    trained.test_scheme = None  # it would replace the pipeline of the search's images
    stretch(trained, whole_iterations(config, settings))
    hooks = trained.get('custom_hooks') or []
    if not any(hook['type'] == AVERAGE['type'] for hook in hooks):
        trained.custom_hooks = [*hooks, dict(AVERAGE)]
    trained.randomness = {**(trained.get('randomness') or {}), 'seed': settings.seed}


def _dataset_parts(loader: Any) -> Iterator[MutableMapping[str, Any]]:
    """The settings of a loader's data set, and of those that it wraps."""
    if isinstance(loader, (list, tuple)):
        for item in loader:
            yield from _dataset_parts(item)
    elif isinstance(loader, MutableMapping):
        if 'ann_file' in loader:
            yield loader
        for name in ('dataset', 'datasets'):
            yield from _dataset_parts(loader.get(name))


def stretch(config: Config, iterations: int) -> None:
    """Make a training shorter or longer in all its parts.

    Args:
        config: changed in place.
        iterations: that it shall have.

    Example:
        >>> config = Config(dict(train_cfg=dict(max_iters=900), param_scheduler=[
        ...     dict(type='LinearLR', begin=0, end=90), dict(type='MultiStepLR', milestones=[300, 600])]))
        >>> stretch(config, 90)
        >>> config.train_cfg.max_iters, config.param_scheduler[0].end, config.param_scheduler[1].milestones
        (90, 9, [30, 60])
    """
    factor = iterations / config.train_cfg.max_iters
    config.train_cfg.max_iters = iterations
    if factor == 1:
        return
    schedulers: Any = config.get('param_scheduler') or []
    for scheduler in [schedulers] if isinstance(schedulers, dict) else schedulers:
        for key in _STEPS:
            value = scheduler.get(key)
            if isinstance(value, (list, tuple)):
                scheduler[key] = [round(step * factor) for step in value]
            elif value:
                scheduler[key] = max(1, round(value * factor))
