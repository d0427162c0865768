"""Search a trained supernet for the best architecture."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from mmbfbox.command_line import (
    add_config_arguments,
    add_launcher_argument,
    make_parser,
    read_config,
)
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.pipeline.finalists import train_finalists
from mmbfbox.search import build_search, join_processes
from mmbfbox.search.finalists.training import check_finalists
from mmbfbox.search.winners import finish


@exit_on_user_error
def main() -> None:
    """Search."""
    parser = make_parser(
        'Score architectures with the weights of a supernet. Every scored candidate is a line of '
        'candidates.jsonl; the same command goes on where an earlier one was stopped, and only there. '
        'Ends with the best ones as a table (best.md) and as files (best/01.json, ...), the Pareto front '
        '(pareto.md), a report (search_report.html), and the winners as configs and weights if the '
        'config has search.export. With search.finalists the best ones, random controls and a baseline '
        'are then trained (finalists.md, final/config.py). tools/dist_search.sh runs it in several '
        'processes.',
        'python tools/search.py configs/paper/bfbox_search_wider_face.py work_dirs/supernet/iter_150000.pth '
        '--work-dir work_dirs/search --cfg-options search.constraints.backbone_macs.max=2.9e9',
    )
    parser.add_argument(
        'config', help='search config, like configs/paper/bfbox_search_wider_face.py'
    )
    parser.add_argument('supernet', help='checkpoint of the supernet')
    parser.add_argument(
        '--work-dir',
        metavar='DIR',
        help='where results go; work_dirs/<config> by default',
    )
    parser.add_argument(
        '--resume',
        action='store_true',
        help='accepted and not needed: a search always goes on with what its work dir holds',
    )
    parser.add_argument(
        '--candidates',
        type=int,
        metavar='N',
        help="how many architectures to score; the config's search.candidates by default",
    )
    add_config_arguments(parser)
    add_launcher_argument(parser)
    args = parser.parse_args()

    # A search has no process group: see mmbfbox/search/distributed.py.
    launcher, args.launcher = args.launcher, 'none'
    config = read_config(args)
    if args.candidates is not None and args.candidates < 1:
        raise UserError(f'--candidates is {args.candidates}; give 1 or more')
    processes = join_processes(launcher)
    finalists = check_finalists(config, args.candidates)
    search = build_search(config, args.supernet, processes)
    wanted = args.candidates or config.search.candidates
    if processes.rank == 0:
        where = f'{processes.size} processes on' if processes.size > 1 else 'on'
        networks = search.space.networks
        told = f'{networks:,}' if networks < 10**6 else f'{networks:.3g}'
        print(f'searching {search.space}: {told} different archs, {wanted} candidates')
        print(f'{where} {search.device}, results in {config.work_dir}', flush=True)
    with processes.working() if finalists else nullcontext():
        ranked = search.loop.run(wanted)
        if ranked:
            finish(search, ranked)
        if finalists:
            train_finalists(search, finalists, processes, Path(__file__).parent)


if __name__ == '__main__':
    main()
