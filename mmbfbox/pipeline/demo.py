"""The demo: the whole chain as steps over the configs of ``configs/demo`` or ``configs/light``."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mmdet.registry import MODELS
from mmengine import Config
from mmengine.registry import init_default_scope

from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.models import traced_macs
from mmbfbox.pipeline.plan import Pipeline
from mmbfbox.pipeline.run_report import write_comparison, write_training_report
from mmbfbox.pipeline.step import Step
from mmbfbox.search.report import readable
from mmbfbox.search.storage.candidates import best_first, read_candidates
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import set_data_root_if_there
from mmbfbox.utils.files import atomic_write

COMPARISON = 'comparison.html'


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
    """Data, supernet, search, export, training and test of the best and of a baseline, from scratch.

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
    drawn: dict[str, int | None] = {} if seed is None else {'search.seed': seed}
    if search_config.search.get('finalists'):
        # The demo shows the chain; finalists would take another hour.
        drawn['search.finalists'] = None
    search = plan.add_search(
        'search', names.search, supernet.done, 'score_vs_macs.png',
        arguments=[
            *root, *(['--candidates', str(budget.candidates)] if budget.candidates else []),
            *_options(drawn),
        ],
        configs={'search': search_config, 'final': final},
    )  # fmt: skip
    arch = search.folder / 'best' / '01.json'
    best = plan.add_export('best', arch, supernet.done, configs={'final': final})
    iterations = budget.iterations or final.train_cfg.max_iters
    trained = plan.add_training('final', best.done, iterations, arguments=_changed(budget, seed))
    plan.add_test('final_test', best.done, trained.done, arguments=_outputs(plan, 'final_test'))
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
    options: dict[str, int | None] = {} if seed is None else {'randomness.seed': seed}
    if budget.iterations is not None:
        keys = ('train_cfg.max_iters', 'default_hooks.checkpoint.interval')
        options |= dict.fromkeys(keys, budget.iterations)
    return _options(options)


def _options(options: Mapping[str, int | None]) -> list[str]:
    words = [f'{key}={value}' for key, value in options.items()]
    return ['--cfg-options', *words] if words else []


def _outputs(plan: Pipeline, name: str) -> list[str]:
    folder = plan.folder / name
    return ['--out-dir', str(folder / 'predictions'), '--pictures', str(folder / 'pictures')]


def write_results(plan: Pipeline) -> str:
    """Write ``results.md`` from the steps' results: candidates and trained detectors, AP in %.

    Beside it a page compares both trainings, and each has a page of its own in its folder.

    Returns:
        The table as Markdown.
    """
    settings = plan.steps['search'].configs['search'].search
    ranked = best_first(read_candidates(plan.steps['search'].folder), settings.metric)
    model = plan.steps['baseline'].configs['baseline'].model
    init_default_scope('mmdet')
    baseline_macs = traced_macs(MODELS.build(copy.deepcopy(model)), tuple(settings.size))[1]
    final, baseline = (
        Metrics.read(plan.steps[f'{name}_test'].done).short_scores()
        for name in ('final', 'baseline')
    )
    places = {
        f'best of {len(ranked)} candidates': ranked[0],
        'median candidate': ranked[len(ranked) // 2],
        'worst candidate': ranked[-1],
    }
    rows = [
        _row(f'{name}, supernet weights', one.scores, one.detector_macs)
        for name, one in places.items()
    ]
    rows.append(_row('best architecture, trained from scratch', final, ranked[0].detector_macs))
    rows.append(_row('baseline RetinaNet, trained from scratch', baseline, baseline_macs))
    head = ['| network | easy | medium | hard | detector MACs |', '|---|---|---|---|---|']
    text = '\n'.join([*head, *rows])
    with atomic_write(plan.folder / 'results.md') as path:
        path.write_text(text + '\n')
    trained = [plan.steps[name].folder for name in ('final', 'baseline')]
    for folder in trained:
        write_training_report(folder)
    write_comparison(trained, plan.folder / COMPARISON)
    return text


def _row(name: str, scores: Mapping[str, float], macs: int) -> str:
    values = ' | '.join(f'{100 * scores[key]:.2f}' for key in ('easy', 'medium', 'hard'))
    return f'| {name} | {values} | {readable(macs)} |'
