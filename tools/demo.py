"""The whole chain, from images to an evaluated detector, on two CPU cores."""

from __future__ import annotations

import time
from pathlib import Path

from mmbfbox.command_line import make_parser
from mmbfbox.errors import exit_on_user_error
from mmbfbox.pipeline.demo import BUDGETS, plan_demo
from mmbfbox.pipeline.demo_results import COMPARISON, trained_networks, write_results
from mmbfbox.pipeline.run import run
from mmbfbox.pipeline.run_report import PAGE
from mmbfbox.utils.data_layout import find_layout

TOOLS = Path(__file__).resolve().parent


@exit_on_user_error
def main() -> None:
    """Run the chain."""
    parser = make_parser(
        'Train a small supernet, search it, export the best architecture, train that and a baseline '
        'from scratch, and evaluate both. Without --data it makes its own face images first. The same '
        'command goes on where an earlier one was stopped.',
        'python tools/demo.py --work-dir work_dirs/demo',
    )
    parser.add_argument(
        '--work-dir', type=Path, default=Path('work_dirs/demo'), metavar='DIR',
        help='where everything goes',
    )  # fmt: skip
    parser.add_argument(
        '--data',
        type=Path,
        metavar='DIR',
        help='WIDER FACE, or your own images with annotations in COCO JSON or in text files '
        '(docs/own_data.md); the configs in configs/light/0.5g are used for it',
    )
    parser.add_argument(
        '--face-category',
        metavar='NAME',
        help='with --data and COCO annotations of several categories: which one is the face',
    )
    parser.add_argument(
        '--budget',
        choices=sorted(BUDGETS),
        default='full',
        help='"small" only shows that every step runs, in two to four minutes',
    )
    parser.add_argument(
        '--seed',
        type=int,
        metavar='N',
        help='of weights, crops and candidates; runs with several seeds show what is chance',
    )
    parser.add_argument(
        '--redo', action='store_true',
        help='make results of another budget, config or input anew, and keep the old ones beside them; '
        'without it they are refused',
    )  # fmt: skip
    args = parser.parse_args()

    if args.data:
        print(find_layout(args.data), flush=True)
    start = time.perf_counter()
    budget = BUDGETS[args.budget]
    plan = plan_demo(args.work_dir, args.data, budget, args.seed, args.face_category)
    run(plan, TOOLS, args.redo)
    text = write_results(plan)
    minutes = (time.perf_counter() - start) / 60
    print(f'\n=== done in {minutes:.1f} min; AP in %\n\n{text}\n')
    steps, folder, searched = plan.steps, args.work_dir, trained_networks(plan)[0]
    for what, path in (
        ('table', folder / 'results.md'),
        ('candidates', steps['search'].folder / 'candidates.jsonl'),
        ('page of the search', steps['search'].folder / 'search_report.html'),
        ('searched detector', Path(steps['final_test'].reads[0])),
        ('its weights', Path(steps['final_test'].reads[1])),
        ('page of its training', searched.training / PAGE),
        ('beside the baseline', folder / COMPARISON),
        ('detections', steps['final_test'].folder / 'pictures' / 'detections.png'),
        ('official txt files', steps['final_test'].folder / 'predictions'),
    ):
        print(f'{what:>20}: {path}')


if __name__ == '__main__':
    main()
