"""Reproduce a table or a figure of the paper."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.pipeline.run import check, run
from mmbfbox.pipeline.step import Step
from mmbfbox.reproduce import figures
from mmbfbox.reproduce.cost import Cost, Estimator
from mmbfbox.reproduce.plan import Plan
from mmbfbox.reproduce.report import read_result, schedule, write_table
from mmbfbox.reproduce.scales import SCALES
from mmbfbox.reproduce.tables import TABLES, Row, rows_of
from mmbfbox.utils.cli import make_parser

TOOLS = Path(__file__).resolve().parent
FIGURES = ('figure1', 'figure4', 'figure5')
PARTS = ('a', 'b', 'c')


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = make_parser(
        'Say what a table or figure of the paper takes, run what is missing, go on with what was '
        'interrupted, and write it as Markdown and CSV with the numbers of the paper beside ours. The '
        'same command goes on where an earlier one was stopped; tables share what they have in common.',
        'python tools/reproduce.py table7 --scale demo --seeds 0 1 2\n'
        '  python tools/reproduce.py table5 --scale paper --dry-run',
    )
    parser.add_argument('what', choices=[*TABLES, *FIGURES], metavar='TABLE_OR_FIGURE',
                        help=f'one of {", ".join([*TABLES, *FIGURES])}')  # fmt: skip
    parser.add_argument(
        '--scale',
        choices=list(SCALES),
        default='paper',
        help='; '.join(f'{name}: {scale.what}' for name, scale in SCALES.items()),
    )
    parser.add_argument(
        '--row', metavar='NAME', help='only this row; of figure1 a, b or c or a network of (a)'
    )
    parser.add_argument(
        '--seeds', type=int, nargs='+', default=[0], metavar='N', help='0 by default'
    )
    parser.add_argument(
        '--data',
        type=Path,
        metavar='DIR',
        help='folder in WIDER FACE layout, data/WIDERFace by default; of figure4 the folder that holds '
        'AFW, PASCAL_face and FDDB',
    )
    parser.add_argument(
        '--work-dir', type=Path, default=Path('work_dirs/reproduce'), metavar='DIR',
        help='where everything goes, below a folder for the scale',
    )  # fmt: skip
    parser.add_argument('--gpus', type=int, default=1, metavar='N', help='processes of a step; 1')
    parser.add_argument(
        '--predictions', nargs='+', default=[], metavar='NAME=DIR',
        help="of figures 4 and 5: detectors' predictions, the main one first",
    )  # fmt: skip
    parser.add_argument(
        '--dry-run', action='store_true', help='only say what there is to do; writes nothing'
    )
    parser.add_argument(
        '--redo', action='store_true',
        help='make results of older configs or inputs anew, and keep the old ones beside them; without '
        'it they are refused',
    )  # fmt: skip
    args = parser.parse_args()
    if min(args.seeds) < 0 or len(set(args.seeds)) < len(args.seeds) or args.gpus < 1:
        raise UserError('--seeds are different whole numbers of 0 or more, --gpus is 1 or more')
    return args


def do(args: argparse.Namespace, plan: Plan) -> bool:
    """Print what there is to do, and do it; return whether it was done.

    Raises:
        UserError: there are results of something else, or no data.
    """
    states = check(plan, args.redo)
    try:
        plan.check_data()
    except UserError as error:
        if not args.dry_run:
            raise
        print(f'note: {error}')
    estimator = Estimator(plan)
    costs = estimator.of(step for step in plan.steps.values() if states[step.name] != 'done')
    print(f'scale {plan.scale.name}: {plan.scale.what}\n')
    print(schedule(plan, states, costs))
    total = sum(costs.values(), Cost())
    print(f'\nto do: {len(costs)} of {len(plan.steps)} steps, {total}')
    print(
        f'(times are estimates from a few training steps on {estimator.where}, from the start of each '
        'step; a search also spends time on its results)',
        flush=True,
    )
    if not args.dry_run:
        run(plan, TOOLS, args.redo)
    return not args.dry_run


def call(command: Sequence[str], dry_run: bool) -> None:
    """Run a tool that is quick, or only say so."""
    print('$ python', f'tools/{command[0]}', *command[1:], flush=True)
    if (
        not dry_run
        and subprocess.run([sys.executable, str(TOOLS / command[0]), *command[1:]]).returncode
    ):
        raise UserError(f'tools/{command[0]} failed, see above')


def reproduce_rows(args: argparse.Namespace, plan: Plan, rows: Sequence[Row], title: str) -> None:
    """Run rows and write their table."""
    tests: Mapping[str, list[Step]] = {row.name: [] for row in rows}
    for seed in args.seeds:
        for row in rows:
            tests[row.name].append(plan.row(row, seed))
    if do(args, plan):
        write(args, plan, rows, tests, title)


def write(
    args: argparse.Namespace, plan: Plan, rows: Sequence[Row], tests: Mapping[str, list[Step]],
    title: str,
) -> None:  # fmt: skip
    """Write the table of rows from their tests."""
    seeds = ' '.join(map(str, args.seeds))
    data = '' if plan.scale.images else f' --data {plan.data_root}'
    line = f'python tools/reproduce.py {args.what} --scale {args.scale}{data} --seeds {seeds}'
    results = [read_result(row, tests[row.name], f'{line} --row {row.name}') for row in rows]
    notes = [f'Scale {plan.scale.name}: {plan.scale.what}. From scratch. Seeds: {seeds}.']
    spread = ' ± standard deviation over seeds' if len(args.seeds) > 1 else ''
    notes.append(f'A cell is: paper / ours{spread} (difference), AP in %.')
    if plan.scale.training:
        notes.append("These numbers compare among themselves, not with the paper's.")
    path = plan.folder / (f'{args.what}_{args.row}' if args.row else args.what)
    print(f'\n{write_table(path, title, notes, results)}\nwrote {path}.md and .csv')


def figure1(args: argparse.Namespace, plan: Plan) -> None:
    """Backbones from results at hand, scales of faces, AP against the scale of the input."""
    known = [*PARTS, *(row.name for row in figures.FIGURE1A)]
    if args.row not in (None, *known):
        raise UserError(f'figure1 has no row {args.row!r}; its rows are {", ".join(known)}')
    chosen = [row for row in figures.FIGURE1A if row.name == args.row]
    if chosen:
        reproduce_rows(args, plan, chosen, 'Figure 1(a)')
        return
    if args.row in (None, 'c'):
        tests = {seed: figures.scale_steps(plan, seed) for seed in args.seeds}
        if do(args, plan):
            print(figures.write_scales(plan, tests))
    if args.row in (None, 'b'):
        if not args.dry_run:
            plan.check_data()
            run(plan, TOOLS, args.redo)
        call(figures.face_scales_command(plan), args.dry_run)
    if args.row in (None, 'a'):
        at_hand = Plan(plan.scale, args.work_dir, args.data, args.gpus)
        rows = figures.FIGURE1A
        tests_of = {row.name: [at_hand.row(row, seed) for seed in args.seeds] for row in rows}
        missing = [n for n, steps in tests_of.items() if not any(s.done.exists() for s in steps)]
        if missing:
            print(
                f'figure 1(a): not trained yet: {", ".join(missing)} (figure1 --row NAME does it)'
            )
        if not args.dry_run:
            check(at_hand)
            args.row = 'a'
            write(args, at_hand, rows, tests_of, 'Figure 1(a): hard AP of backbones with an FPN')


def curves(args: argparse.Namespace) -> None:
    """Figures 4 and 5 from predictions."""
    out = args.work_dir / args.scale / args.what
    predictions = figures.named_predictions(args.predictions)
    if args.what == 'figure5':
        plan = Plan(SCALES[args.scale], args.work_dir, args.data, args.gpus)
        predictions = predictions or figures.own_predictions(plan, args.seeds[0])
        data = plan.data_root
    else:
        data = args.data or Path('data')
    commands = figures.curve_commands(args.what, predictions, data, out)
    for command in commands.values():
        call(command, args.dry_run)
    if not args.dry_run:
        print(f'\n{figures.write_curve_table(args.what, out, list(commands))}')
        print(f'\nwrote {out}: curves, {args.what}.md and .csv')


@exit_on_user_error
def main() -> None:
    """Reproduce."""
    args = parse_arguments()
    if args.what in ('figure4', 'figure5'):
        curves(args)
        return
    if args.what in TABLES:
        rows = rows_of(args.what, args.row)
    plan = Plan(SCALES[args.scale], args.work_dir, args.data, args.gpus)
    if args.what == 'figure1':
        figure1(args, plan)
    else:
        reproduce_rows(args, plan, rows, f'Table {args.what[5:]} at the scale {args.scale}')


if __name__ == '__main__':
    main()
