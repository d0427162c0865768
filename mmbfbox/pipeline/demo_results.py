"""What a demo has found: the searched network beside the baseline, as a table and as pages."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mmdet.registry import MODELS
from mmengine.registry import init_default_scope

from mmbfbox.artifacts.finalists import BASELINE, CANDIDATE, network_folder
from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.models import traced_macs
from mmbfbox.pipeline.plan import Pipeline
from mmbfbox.pipeline.run_report import read_run, write_comparison, write_training_report
from mmbfbox.search.finalists.standings import Standings
from mmbfbox.search.report import readable
from mmbfbox.search.storage.candidates import best_first, read_candidates
from mmbfbox.space import Arch
from mmbfbox.utils.files import atomic_write

COMPARISON = 'comparison.html'
SEARCHED = 'searched'
_OPTIONS = {'train_dataloader.dataset.part': 'train'}
"""How finalists are trained: without the images that the search scores on."""


@dataclass(frozen=True)
class Trained:
    """A network of a demo, trained from scratch.

    Args:
        name: ``'searched'`` or ``'baseline'``.
        training: folder of its training.
        test: folder of its test on the validation images.
        checkpoint: that was tested.
        macs: its multiply-adds for an image of the size that the search counts at.
        told: what it is, for the table.
        arch: of the searched one.
        options: what was changed in its config.
    """

    name: str
    training: Path
    test: Path
    checkpoint: Path
    macs: int
    told: str
    arch: Arch | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def metrics(self) -> Path:
        """What its test has found."""
        return self.test / 'metrics.json'


def trained_networks(plan: Pipeline) -> tuple[Trained, Trained]:
    """The searched network and the baseline of a demo that has ended.

    Raises:
        UserError: a file of the search is damaged.
    """
    steps, search = plan.steps, plan.steps['search']
    settings = search.configs['search'].search
    if 'final' not in steps:
        return _finalist(plan, SEARCHED), _finalist(plan, BASELINE)
    final, best = steps['final'], best_first(read_candidates(search.folder), settings.metric)[0]
    model = steps['baseline'].configs['baseline'].model
    init_default_scope('mmdet')
    macs = traced_macs(MODELS.build(copy.deepcopy(model)), tuple(settings.size))[1]
    baseline = steps['baseline']
    return (
        Trained(
            SEARCHED, final.folder, steps['final_test'].folder, final.done, best.detector_macs,
            'best architecture, trained from scratch', best.arch,
        ),
        Trained(
            BASELINE, baseline.folder, steps['baseline_test'].folder, baseline.done, macs,
            'baseline RetinaNet, trained from scratch',
        ),
    )  # fmt: skip


def _finalist(plan: Pipeline, name: str) -> Trained:
    """A network that the search has trained."""
    work_dir = plan.steps['search'].folder
    standings = Standings.read(work_dir)
    assert standings is not None
    kind = CANDIDATE if name == SEARCHED else BASELINE
    of_kind = [network for network in standings.order() if network.kind == kind]
    network, iterations = of_kind[0], standings.file.rungs[-1]
    training = network_folder(work_dir, network.name) / standings.best_training_of(network.name)
    told = 'baseline RetinaNet, trained from scratch'
    if name == SEARCHED:
        told = f'best of {len(of_kind)} architectures that were trained from scratch'
    test = plan.steps['final_test' if name == SEARCHED else 'baseline_test'].folder
    macs, checkpoint = round(network.costs['detector_macs']), training / f'iter_{iterations}.pth'
    return Trained(name, training, test, checkpoint, macs, told, network.arch, _OPTIONS)


def write_results(plan: Pipeline) -> str:
    """Write ``results.md`` from the steps' results: candidates and trained detectors, AP in %.

    Beside it a page compares both trainings, and each has a page of its own in its folder.

    Returns:
        The table as Markdown.
    """
    search = plan.steps['search']
    ranked = best_first(read_candidates(search.folder), search.configs['search'].search.metric)
    places = {
        f'best of {len(ranked)} candidates': ranked[0],
        'median candidate': ranked[len(ranked) // 2],
        'worst candidate': ranked[-1],
    }
    trained = trained_networks(plan)
    rows = [
        _row(f'{name}, supernet weights', one.scores, one.detector_macs)
        for name, one in places.items()
    ]
    rows += [_row(one.told, Metrics.read(one.metrics).short_scores(), one.macs) for one in trained]
    head = ['| network | easy | medium | hard | detector MACs |', '|---|---|---|---|---|']
    text = '\n'.join([*head, *rows])
    with atomic_write(plan.folder / 'results.md') as path:
        path.write_text(text + '\n')
    for one in trained:
        write_training_report(one.training, one.test)
    runs = [replace(read_run(one.training, one.test), name=one.name) for one in trained]
    write_comparison(runs, plan.folder / COMPARISON)
    return text


def _row(name: str, scores: Mapping[str, float], macs: int) -> str:
    values = ' | '.join(f'{100 * scores[key]:.2f}' for key in ('easy', 'medium', 'hard'))
    return f'| {name} | {values} | {readable(macs)} |'
