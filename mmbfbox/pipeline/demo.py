"""The demo: the whole chain as steps over the configs of ``configs/demo`` or ``configs/light``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine import Config

from mmbfbox.artifacts.finalists import BASELINE, CANDIDATE
from mmbfbox.pipeline.finalists import TABLE
from mmbfbox.pipeline.plan import Pipeline
from mmbfbox.pipeline.step import Step
from mmbfbox.search.finalists.winner import TRAINED
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import set_data_root_if_there

_KINDS = {'final_test': CANDIDATE, 'baseline_test': BASELINE}
"""Which trained network of a search a step tests."""


@dataclass(frozen=True)
class Configs:
    """Names of the configs of a chain; the supernet's says how the best architecture is trained."""

    supernet: str
    search: str
    baseline: str


DEMO = Configs(
    'demo/bfbox_supernet_demo.py',
    'demo/bfbox_search_demo.py',
    'demo/retinanet_r18_fpn_demo.py',
)
MINI = Configs(
    'light/0.5g/bfbox_supernet_light-0.5g_wider_mini.py',
    'light/0.5g/bfbox_search_light-0.5g_wider_mini.py',
    'light/0.5g/retinanet_r18_fpn_light-0.5g_wider_mini.py',
)


@dataclass(frozen=True)
class Budget:
    """What the steps may do; None leaves it to the configs.

    Args:
        iterations: of each training.
        candidates: of the search.
        images: for training and validation, of the demo's own data.
    """

    iterations: int | None = None
    candidates: int | None = None
    images: tuple[int, int] | None = None


BUDGETS = {'full': Budget(), 'small': Budget(iterations=40, candidates=3, images=(160, 40))}


def plan_demo(
    work_dir: Path,
    data: Path | None = None,
    budget: Budget = BUDGETS['full'],
    seed: int | None = None,
    face_category: str | None = None,
) -> Pipeline:
    """Data, supernet, search, training and test of what it found and of a baseline, from scratch.

    Where the search config has finalists, the search trains both; otherwise the best candidate is exported
    and trained.

    Args:
        work_dir: where everything goes, a folder for each step.
        data: folder with images and faces; None makes face images, and takes the configs for them.
        budget: what the steps may do.
        seed: of weights, crops and candidates; None leaves it to the configs. The images stay the same.
        face_category: which category of COCO annotations in ``data`` is the face.
    """
    names = MINI if data else DEMO
    plan = Pipeline(work_dir, data or work_dir / 'data', face_category=face_category)
    if data is None:
        sizes = budget.images
        plan.add_data(*(('--train', sizes[0], '--val', sizes[1]) if sizes else ()))
    # What lies in the data folder is named in the exported config; the package's own get it here.
    root = ['--data-root', str(plan.data_root)]
    root += ['--face-category', face_category] if face_category else []
    supernet = _train(plan, 'supernet', names.supernet, budget, seed, root)
    search_config, final = _config(plan, names.search), _config(plan, _final_of(names.supernet))
    finalists = search_config.search.get('finalists')
    search = plan.add_search(
        'search', names.search, supernet.done, TABLE if finalists else 'score_vs_macs.png',
        arguments=[
            *root, *(['--candidates', str(budget.candidates)] if budget.candidates else []),
            *_options(_searched(finalists, budget, seed)),
        ],
        configs={'search': search_config, 'final': final},
    )  # fmt: skip
    if finalists:
        # The search has trained the baseline as well.
        trained = {name: search.folder / TRAINED / kind for name, kind in _KINDS.items()}
        for name, folder in trained.items():
            plan.add_test(
                name, folder / 'config.py', folder / 'weights.pth', arguments=_outputs(plan, name)
            )
        return plan
    arch = search.folder / 'best' / '01.json'
    best = plan.add_export('best', arch, supernet.done, configs={'final': final})
    iterations = budget.iterations or final.train_cfg.max_iters
    trained_best = plan.add_training(
        'final', best.done, iterations, arguments=_changed(budget, seed)
    )
    plan.add_test(
        'final_test', best.done, trained_best.done, arguments=_outputs(plan, 'final_test')
    )
    baseline = _train(plan, 'baseline', names.baseline, budget, seed, root)
    plan.add_test(
        'baseline_test', names.baseline, baseline.done,
        arguments=[*_outputs(plan, 'baseline_test'), *root], configs=baseline.configs,
    )  # fmt: skip
    return plan


def _train(
    plan: Pipeline, name: str, config: str, budget: Budget, seed: int | None, root: list[str]
) -> Step:
    """A training by a config that the package ships."""
    settings = _config(plan, config)
    iterations = budget.iterations or settings.train_cfg.max_iters
    arguments = [*root, *_changed(budget, seed)]
    return plan.add_training(
        name, config, iterations, arguments=arguments, configs={name: settings}
    )


def _config(plan: Pipeline, name: str) -> Config:
    config = load_config(name)
    set_data_root_if_there(config, plan.data_root, plan.face_category)
    return config


def _final_of(supernet: str) -> str:
    return str(load_config(supernet).final_config)


def _changed(budget: Budget, seed: int | None) -> list[str]:
    options: dict[str, Any] = {} if seed is None else {'randomness.seed': seed}
    if budget.iterations is not None:
        keys = ('train_cfg.max_iters', 'default_hooks.checkpoint.interval')
        options |= dict.fromkeys(keys, budget.iterations)
    return _options(options)


def _searched(
    finalists: Mapping[str, Any] | None, budget: Budget, seed: int | None
) -> dict[str, Any]:
    """What is changed in the search."""
    options: dict[str, Any] = {} if seed is None else {'search.seed': seed}
    if not finalists:
        return options
    # Three and the baseline in pairs; further seeds would take longer than a demo may.
    changed: dict[str, Any] = dict(best=3, repeats=[])
    if seed is not None:
        changed['seed'] = seed
    if budget.iterations is not None:
        changed['iterations'] = budget.iterations
    if budget.candidates is not None:
        changed['best'] = min(changed['best'], budget.candidates)
    return options | {f'search.finalists.{key}': value for key, value in changed.items()}


def _options(options: Mapping[str, Any]) -> list[str]:
    words = [f'{key}={value}' for key, value in options.items()]
    return ['--cfg-options', *words] if words else []


def _outputs(plan: Pipeline, name: str) -> list[str]:
    folder = plan.folder / name
    return ['--out-dir', str(folder / 'predictions'), '--pictures', str(folder / 'pictures')]
