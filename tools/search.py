"""Search a trained supernet for the best architecture."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from mmdet.registry import MODELS
from mmengine import Config
from mmengine.registry import init_default_scope

from mmbfbox.engine import load_checkpoint_file, load_weights
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.models import cost_table, space_of
from mmbfbox.search import Candidate, Limits, RandomStrategy, ReferenceScorer, Searcher
from mmbfbox.search.limits import Costs
from mmbfbox.search.report import draw, readable, table
from mmbfbox.search.scorer import build_quietly
from mmbfbox.search.searcher import fingerprint
from mmbfbox.space import JointSpace
from mmbfbox.utils.cli import add_config_arguments, make_parser, read_config
from mmbfbox.utils.files import atomic_write

KEYS = ('candidates', 'seed', 'metric', 'size', 'limits', 'best')


class Progress:
    """One line for each candidate: scores, cost, pace and time left."""

    def __init__(self, metric: str) -> None:
        self.metric = metric
        self.start = time.perf_counter()
        self.done = 0

    def __call__(self, new: Candidate, scored: Sequence[Candidate], wanted: int) -> None:
        """Print the line."""
        self.done += 1
        pace = (time.perf_counter() - self.start) / self.done
        best = max(candidate.scores[self.metric] for candidate in scored)
        left = time.strftime('%H:%M:%S', time.gmtime(pace * (wanted - len(scored))))
        print(
            f'[{len(scored)}/{wanted}] {self.metric} AP {100 * new.scores[self.metric]:.2f} '
            f'(best {100 * best:.2f})  {readable(new.backbone_macs)} MACs  '
            f'{60 / pace:.1f} a minute  {left} left',
            flush=True,
        )


def build_searcher(config: Config, supernet: str) -> tuple[Searcher, JointSpace]:
    """Everything that the config describes, with the supernet's weights.

    Raises:
        UserError: the config is no search config, or the checkpoint belongs to another config.
    """
    settings = config.get('search')
    if not settings or not set(KEYS) <= set(settings):
        raise UserError(
            f'the config has no complete "search" (keys {", ".join(KEYS)}); inherit from one like '
            f'configs/paper/search.py'
        )
    state = load_checkpoint_file(supernet).get('state_dict', {})
    init_default_scope(config.get('default_scope', 'mmdet'))
    model = build_quietly(lambda: MODELS.build(config.model))
    load_weights(model, state, supernet)
    space = space_of(model)
    scorer = ReferenceScorer(config, state)
    identity = {
        'space': str(space),
        'seed': settings.seed,
        'metric': settings.metric,
        'limits': settings.limits,
        'supernet': fingerprint(Path(supernet).read_bytes()),
        **{f'{name} images': fingerprint(names) for name, names in scorer.images.items()},
    }
    searcher = Searcher(
        strategy=RandomStrategy(space, settings.seed),
        scorer=scorer,
        costs=Costs(cost_table(model, (224, 224)), cost_table(model, tuple(settings.size))),
        limits=Limits(settings.limits),
        work_dir=Path(config.work_dir),
        identity=identity,
        metric=settings.metric,
        report=Progress(settings.metric),
    )
    return searcher, space


@exit_on_user_error
def main() -> None:
    """Search."""
    parser = make_parser(
        'Score random architectures with the weights of a supernet. Every scored candidate is a line of '
        'candidates.jsonl; a killed search goes on with --resume. Ends with the best ones as a table '
        '(best.md) and as files (best/01.json, ...), and a picture of score against multiply-adds.',
        'python tools/search.py configs/paper/search.py work_dirs/supernet/iter_150000.pth '
        '--work-dir work_dirs/search --cfg-options "search.limits.backbone_macs.max=2.9e9"',
    )
    parser.add_argument('config', help='search config, like configs/paper/search.py')
    parser.add_argument('supernet', help='checkpoint of the supernet')
    parser.add_argument(
        '--work-dir',
        metavar='DIR',
        help='where results go; work_dirs/<config> by default',
    )
    parser.add_argument(
        '--resume', action='store_true', help='go on with the search that the work dir holds'
    )
    parser.add_argument(
        '--candidates',
        type=int,
        metavar='N',
        help="how many architectures to score; the config's search.candidates by default",
    )
    add_config_arguments(parser)
    args = parser.parse_args()

    config = read_config(args)
    searcher, space = build_searcher(config, args.supernet)
    wanted = args.candidates or config.search.candidates
    print(f'searching {space}: {space.count:.3g} archs, {wanted} candidates', flush=True)
    ranked = searcher.run(wanted, args.resume)

    work_dir, metric = Path(config.work_dir), config.search.metric
    best = table(ranked, config.search.best)
    with atomic_write(work_dir / 'best.md') as path:
        path.write_text(best + '\n')
    for rank, candidate in enumerate(ranked[: config.search.best], 1):
        with atomic_write(work_dir / 'best' / f'{rank:02d}.json') as path:
            path.write_text(space.to_json(candidate.arch) + '\n')
    picture = work_dir / 'score_vs_macs.png'
    draw(ranked, metric, picture)
    print(f'\n{best}\n\nbest architecture:\n{ranked[0].arch}\n')
    print(f'wrote {work_dir / "best" / "01.json"}, {work_dir / "best.md"} and {picture}')


if __name__ == '__main__':
    main()
