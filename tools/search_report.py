"""Write the report of a search, finished or running."""

from __future__ import annotations

import mmbfbox  # noqa: F401, first: mmengine needs a home

# isort: split
from pathlib import Path

from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmbfbox.artifacts.attention import ATTENTION_FILE
from mmbfbox.command_line import add_config_arguments, make_parser
from mmbfbox.engine import read_weights
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.search import ReferenceScorer
from mmbfbox.search.report import BEST, write_report
from mmbfbox.search.report.source import read_findings
from mmbfbox.search.scoring.attention import measure_attention
from mmbfbox.search.storage.candidates import best_first
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import set_data_root
from mmbfbox.utils.loaders import dependent_loader_options


@exit_on_user_error
def main() -> None:
    """Report."""
    parser = make_parser(
        'Write search_report.html, one page that needs no network, and its figures into the work dir '
        'of a search, which may still be running. With --config and --supernet it also measures the '
        'mean attention of each FPN level.',
        'python tools/search_report.py work_dirs/search --supernet work_dirs/supernet/iter_150000.pth',
    )
    parser.add_argument('work_dir', help='work dir of tools/search.py')
    parser.add_argument(
        '--supernet', metavar='CHECKPOINT', help='named in the export commands of the page'
    )
    parser.add_argument(
        '--config',
        help='search config: measure the mean attention of each level on its held-out images',
    )
    parser.add_argument(
        '--archs',
        type=int,
        default=3,
        metavar='N',
        help='how many of the best candidates the attention is measured with; 3 by default',
    )
    parser.add_argument(
        '--best', type=int, default=BEST, metavar='N', help=f'rows of the table; {BEST} by default'
    )
    add_config_arguments(parser)
    args = parser.parse_args()

    if min(args.best, args.archs) < 1:
        raise UserError(f'--best is {args.best} and --archs {args.archs}; give 1 or more')
    findings = read_findings(args.work_dir)
    if args.config:
        if not args.supernet:
            raise UserError(
                'measuring attention needs the supernet; give its checkpoint as --supernet'
            )
        config = load_config(args.config, args.cfg_options)
        if args.data_root is not None:
            set_data_root(config, args.data_root, args.face_category)
        dependent_loader_options(config)
        init_default_scope(config.get('default_scope', 'mmdet'))
        best = best_first(findings.scored, findings.search.metric)
        scorer = ReferenceScorer(config, read_weights(args.supernet).state)
        images = Runner.build_dataloader(config.held_out_dataloader, seed=0)
        archs = [candidate.arch for candidate in best[: args.archs]]
        attention = measure_attention(scorer.subnet, images, archs)
        attention.write(Path(args.work_dir) / ATTENTION_FILE)
    print(f'wrote {write_report(args.work_dir, args.supernet, best=args.best)}')


if __name__ == '__main__':
    main()
