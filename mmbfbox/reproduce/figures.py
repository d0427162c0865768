"""The paper's figures 1, 4 and 5 from results at hand, annotations, checkpoints and predictions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmbfbox.artifacts.evaluation_summary import EvaluationSummary
from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.errors import UserError
from mmbfbox.evaluation.plots import plot_ap, write_csv
from mmbfbox.pipeline.plan import ANNOTATIONS
from mmbfbox.pipeline.step import Step
from mmbfbox.reproduce.plan import Plan
from mmbfbox.reproduce.report import value_of
from mmbfbox.reproduce.tables import JOINT, SUBSETS, TABLES, Row
from mmbfbox.utils.files import atomic_write

BACKBONES = (
    *(row for row in TABLES['table1'] if row.name in ('resnet50_fpn', 'resnet101_fpn', 'resnet152_fpn')),
    *(row for row in TABLES['table9'] if row.name == 'densenet121_fpn'),
    # Named in the text; neither table 9 nor the figure has numbers for it.
    Row('inceptionv4_fpn', 'Inception-v4 + FPN', {}, 'figure1_inceptionv4_fpn'),
)  # fmt: skip
FIGURE1A = tuple(
    Row(
        row.name,
        row.title,
        {'hard': row.paper.get('all', row.paper.get('hard', float('nan')))} if row.paper else {},
        row.config,
    )
    for row in BACKBONES
)
"""Figure 1(a); the numbers are those of tables 1 and 9, because the figure prints none."""

SCALE_NETWORK = 'table1_resnet50_fpn'
"""The network of figure 1(c); the paper does not say which one it is."""

FIGURE4 = {
    'afw': ('AFW', 'detections.txt'),
    'pascal': ('PASCAL_face', 'detections.txt'),
    'fddb': ('FDDB', 'detections.txt'),
}
"""Folder of each benchmark's annotations below ``--data``, and the file of predictions."""


def scale_steps(plan: Plan, seed: int) -> dict[tuple[int, int], Step]:
    """Figure 1(c): tests by the side that was trained at and the side that is tested at."""
    sides, own = plan.scale.sides, plan.scale.canvas
    steps = {}
    for canvas in (own, *(other for other in plan.scale.canvases if other != own)):
        trained = plan.train(SCALE_NETWORK, seed, canvas=None if canvas == own else canvas)
        for side in sides if canvas == own else (canvas,):
            scheme = ('--scheme', f'{side}x{side}')
            steps[canvas, side] = plan.test(trained, scheme, f'test_at_{side}')
    return steps


def write_scales(plan: Plan, tests: Mapping[int, Mapping[tuple[int, int], Step]]) -> str:
    """Write ``figure1c.csv`` and ``.png`` from the tests of every seed that are done."""
    rows, curves = [], {}
    for seed, steps in tests.items():
        points = []
        for (canvas, side), step in steps.items():
            if step.done.exists():
                metrics = Metrics.read(step.done)
                values = [100 * value_of(metrics, subset) for subset in SUBSETS]
                rows.append([seed, canvas, side, *(f'{value:.4f}' for value in values)])
                points.append((canvas, side, values[-1]))
        own = sorted(point for point in points if point[0] == plan.scale.canvas)
        tested = ([side for _, side, _ in own], [hard for *_, hard in own])
        both = sorted(point for point in points if point[0] == point[1])
        trained = ([side for _, side, _ in both], [hard for *_, hard in both])
        curves[f'trained at {plan.scale.canvas}, seed {seed}'] = tested
        curves[f'trained and tested at one scale, seed {seed}'] = trained
    path = plan.folder / 'figure1c'
    header = ('seed', 'trained_at', 'tested_at', *SUBSETS)
    write_csv(path.with_suffix('.csv'), header, rows)
    plot_ap(
        path.with_suffix('.png'), f'{SCALE_NETWORK}, hard AP', 'Long side of the input (pixels)', curves
    )  # fmt: skip
    return f'wrote {path}.csv and .png ({len(rows)} points)'


def face_scales_command(plan: Plan) -> list[str]:
    """Figure 1(b): ``tools/face_scales.py`` on the validation annotations."""
    annotations = plan.data_root / ANNOTATIONS.format('val')
    images, out = plan.data_root / 'WIDER_val' / 'images', plan.folder / 'figure1b'
    return ['face_scales.py', str(annotations), '--images', str(images), '--out', str(out)]


def own_predictions(plan: Plan, seed: int) -> dict[str, Path]:
    """Predictions of table 7's joint row, if it is there."""
    folder = plan.row(JOINT, seed).folder / 'predictions'
    return {'ours': folder} if folder.is_dir() else {}


def named_predictions(texts: Sequence[str]) -> dict[str, Path]:
    """``NAME=DIR`` arguments.

    Raises:
        UserError: one is not of that form, or its folder does not exist.
    """
    found = {}
    for text in texts:
        name, _, folder = text.partition('=')
        if not name or not Path(folder).is_dir():
            raise UserError(f'--predictions {text}: NAME=DIR with a folder that exists is expected')
        found[name] = Path(folder)
    return found


def curve_commands(
    figure: str, predictions: Mapping[str, Path], data: Path, out: Path
) -> dict[str, list[str]]:
    """``tools/evaluate.py`` for each benchmark of figure 4 or 5, by its name.

    Args:
        figure: ``'figure4'`` or ``'figure5'``.
        predictions: folder of each detector, the main one first. For figure 5 with EVENT/IMAGE.txt,
            for figure 4 with ``afw``, ``pascal`` and ``fddb``, as ``tools/test.py --benchmark afw
            --out-dir DIR/afw`` writes them.
        data: for figure 5 a folder in WIDER FACE layout, for figure 4 one that holds AFW, PASCAL_face
            and FDDB.
        out: where curves go.

    Raises:
        UserError: there are no predictions, or no annotations for them.
    """
    if not predictions:
        where = 'DIR/afw, DIR/pascal and DIR/fddb' if figure == 'figure4' else 'DIR'
        raise UserError(
            f'{figure} needs --predictions NAME=DIR; tools/test.py CONFIG CHECKPOINT --out-dir writes '
            f'them, into {where}'
        )
    commands = {}
    for benchmark, (folder, file) in (
        {'wider': ('', '')} if figure == 'figure5' else FIGURE4
    ).items():
        inner = {
            name: path / benchmark / file if file else path for name, path in predictions.items()
        }
        inner = {name: path for name, path in inner.items() if path.exists()}
        truth = data / folder if folder else data / 'ground_truth'
        if not inner:
            continue
        if not truth.is_dir():
            raise UserError(f'{truth} does not exist; --data names the folder that holds it')
        (name, main), *others = inner.items()
        compare = [f'{other}={path}' for other, path in others]
        command = [
            'evaluate.py',
            benchmark,
            str(main),
            '--ground-truth',
            str(truth),
            '--name',
            name,
        ]
        command += ['--out', str(out / benchmark), *(['--compare', *compare] if compare else [])]
        commands[benchmark] = command
    if not commands:
        raise UserError(
            f'the folders of --predictions hold none of {", ".join(FIGURE4)}; see {figure} in docs/paper.md'
        )
    return commands


def write_curve_table(figure: str, out: Path, benchmarks: Sequence[str]) -> str:
    """The results of the evaluations, with what the paper publishes beside them, as Markdown and CSV."""
    rows = []
    for benchmark in benchmarks:
        results = EvaluationSummary.read(out / benchmark / 'summary.json').results
        for index, (detector, values) in enumerate(results.items()):
            for metric, value in values.items():
                published = JOINT.paper.get(metric) if benchmark == 'wider' and not index else None
                ours = None if math.isnan(value) else value if metric == 'faces' else 100 * value
                difference = '' if published is None or ours is None else f'{ours - published:+.2f}'
                told = ['' if number is None else f'{number:.2f}' for number in (published, ours)]
                rows.append([benchmark, detector, metric, *told, difference])
    header = ['benchmark', 'detector', 'metric', 'paper', 'ours', 'difference']
    write_csv(out / f'{figure}.csv', header, rows)
    lines = [f'| {" | ".join(header)} |', '|---' * len(header) + '|']
    lines += [f'| {" | ".join(row)} |' for row in rows]
    with atomic_write(out / f'{figure}.md') as path:
        path.write_text('\n'.join(lines) + '\n')
    return '\n'.join(lines)
