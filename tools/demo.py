"""The whole chain, from images to an evaluated detector, on two CPU cores."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from mmdet.registry import MODELS
from mmengine.registry import init_default_scope

from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.models import traced_macs
from mmbfbox.search import Candidate
from mmbfbox.search.report import readable
from mmbfbox.search.storage.candidates import best_first, read_candidates
from mmbfbox.utils.cli import make_parser
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import check_layout
from mmbfbox.utils.files import atomic_write, make_writable_dir
from mmbfbox.utils.moved_configs import current_name

TOOLS = Path(__file__).resolve().parent
BUDGETS = {
    # What each step may do: training iterations, candidates, images of the demo's own data.
    'full': {},
    'small': {'iterations': 40, 'candidates': 3, 'images': (160, 40)},
}


class Chain:
    """Runs the steps as commands of their own; finished ones are not repeated.

    Args:
        work_dir: where everything goes.
        configs: folder name of the configs, ``demo`` or ``mini``.
        data: folder in WIDER FACE layout.
        iterations: training iterations in place of the configs' own.
        candidates: candidates in place of the config's own.
    """

    def __init__(
        self,
        work_dir: Path,
        configs: str,
        data: Path,
        iterations: int | None,
        candidates: int | None,
    ) -> None:
        self.work_dir = make_writable_dir(work_dir)
        self.configs = configs
        self.data = data
        self.iterations = iterations
        self.candidates = candidates
        self.start = time.perf_counter()

    def step(self, title: str, done: Path, tool: str, *arguments: object) -> None:
        """Run ``tools/<tool>.py`` unless ``done`` exists.

        Raises:
            UserError: it failed.
        """
        minutes = (time.perf_counter() - self.start) / 60
        print(f'\n=== {title} ({minutes:.1f} min so far)', flush=True)
        if done.exists():
            print(f'already there: {done}')
            return
        command = [sys.executable, str(TOOLS / f'{tool}.py'), *map(str, arguments)]
        print('$', 'python', f'tools/{tool}.py', *map(str, arguments), flush=True)
        if subprocess.run(command).returncode:
            raise UserError(
                f'the step "{title}" failed, see above; the same command goes on from there'
            )

    def config(self, name: str) -> str:
        """Name of a config of the chain."""
        return f'{current_name(f"{self.configs}/{name}")}.py'

    def train(self, title: str, name: str, config: str) -> Path:
        """Train, and return the last checkpoint."""
        folder = self.work_dir / name
        iterations = self.iterations or load_config(config).train_cfg.max_iters
        options: list[object] = [] if name == 'final' else ['--data-root', self.data]
        if self.iterations:
            options += ['--cfg-options', f'train_cfg.max_iters={iterations}']
            options += [f'default_hooks.checkpoint.interval={iterations}']
        if (folder / 'last_checkpoint').exists():
            options = ['--resume', *options]
        last = folder / f'iter_{iterations}.pth'
        self.step(title, last, 'train', config, '--work-dir', folder, *options)
        return last

    def test(self, title: str, name: str, config: str, checkpoint: Path) -> dict[str, float]:
        """Evaluate on the validation images."""
        folder = self.work_dir / f'{name}_test'
        done = folder / 'metrics.json'
        options = [] if name == 'final' else ['--data-root', self.data]
        out = ['--out-dir', folder / 'predictions', '--pictures', folder / 'pictures']
        self.step(
            title, done, 'test', config, checkpoint, '--work-dir', folder, *out, *options,
        )  # fmt: skip
        return Metrics.read(done).short_scores()

    def search(self, supernet: Path) -> list[Candidate]:
        """Search, and return the candidates, the best first."""
        folder = self.work_dir / 'search'
        options: list[object] = ['--data-root', self.data]
        if self.candidates:
            options += ['--candidates', self.candidates]
        self.step(
            'search', folder / 'score_vs_macs.png', 'search', self.config('search'), supernet,
            '--work-dir', folder, *options,
        )  # fmt: skip
        metric = load_config(self.config('search')).search.metric
        return best_first(read_candidates(folder), metric)


def summary(
    ranked: list[Candidate],
    final: dict[str, float],
    baseline: dict[str, float],
    baseline_macs: int,
) -> str:
    """The closing table as Markdown."""

    def row(name: str, scores: dict[str, float], macs: int) -> str:
        values = ' | '.join(f'{100 * scores[key]:.2f}' for key in ('easy', 'medium', 'hard'))
        return f'| {name} | {values} | {readable(macs)} |'

    def candidate(name: str, one: Candidate) -> str:
        return row(f'{name}, supernet weights', one.scores, one.detector_macs)

    return '\n'.join(
        [
            '| network | easy | medium | hard | detector MACs |',
            '|---|---|---|---|---|',
            candidate(f'best of {len(ranked)} candidates', ranked[0]),
            candidate('median candidate', ranked[len(ranked) // 2]),
            candidate('worst candidate', ranked[-1]),
            row('best architecture, trained from scratch', final, ranked[0].detector_macs),
            row('baseline RetinaNet, trained from scratch', baseline, baseline_macs),
        ]
    )


def baseline_macs(chain: Chain) -> int:
    """Multiply-adds of the baseline at the size that candidates are scored at."""
    init_default_scope('mmdet')
    model = MODELS.build(load_config(chain.config('baseline')).model)
    return traced_macs(model, tuple(load_config(chain.config('search')).search.size))[1]


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
        '--work-dir', default='work_dirs/demo', metavar='DIR', help='where everything goes'
    )
    parser.add_argument(
        '--data',
        metavar='DIR',
        help='a folder in WIDER FACE layout; the configs in configs/mini are used for it',
    )
    parser.add_argument(
        '--budget',
        choices=sorted(BUDGETS),
        default='full',
        help='"small" only shows that every step runs, in two to four minutes',
    )
    args = parser.parse_args()

    if args.data:
        check_layout(args.data)
    budget = BUDGETS[args.budget]
    work_dir = Path(args.work_dir)
    chain = Chain(
        work_dir,
        'mini' if args.data else 'demo',
        Path(args.data) if args.data else work_dir / 'data',
        budget.get('iterations'),
        budget.get('candidates'),
    )
    if not args.data:
        sizes = budget.get('images')
        options = ['--train', sizes[0], '--val', sizes[1]] if sizes else []
        chain.step(
            'make face images',
            chain.data / 'ground_truth' / 'wider_hard_val.mat',
            'make_demo_data',
            '--out',
            chain.data,
            *options,
        )
    supernet = chain.train('train the supernet', 'supernet', chain.config('supernet'))
    ranked = chain.search(supernet)
    exported = work_dir / 'best'
    chain.step(
        'export the best architecture', exported / 'config.py', 'export_subnet',
        work_dir / 'search' / 'best' / '01.json', supernet, '--out', exported,
    )  # fmt: skip
    config = str(exported / 'config.py')
    final = chain.train('train the best architecture from scratch', 'final', config)
    final_scores = chain.test('evaluate it', 'final', config, final)
    baseline = chain.train('train the baseline', 'baseline', chain.config('baseline'))
    baseline_scores = chain.test('evaluate it', 'baseline', chain.config('baseline'), baseline)

    text = summary(ranked, final_scores, baseline_scores, baseline_macs(chain))
    with atomic_write(work_dir / 'results.md') as path:
        path.write_text(text + '\n')
    minutes = (time.perf_counter() - chain.start) / 60
    print(f'\n=== done in {minutes:.1f} min; AP in %\n\n{text}\n')
    for what, path in (
        ('table', work_dir / 'results.md'),
        ('candidates', work_dir / 'search' / 'candidates.jsonl'),
        ('score against MACs', work_dir / 'search' / 'score_vs_macs.png'),
        ('best architecture', exported / 'config.py'),
        ('final detector', final),
        ('detections', work_dir / 'final_test' / 'pictures' / 'detections.png'),
        ('official txt files', work_dir / 'final_test' / 'predictions'),
    ):
        print(f'{what:>20}: {path}')


if __name__ == '__main__':
    main()
