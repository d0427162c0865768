"""Export an architecture of a supernet as an ordinary config and checkpoint."""

from __future__ import annotations

from mmbfbox import export
from mmbfbox.command_line import add_config_arguments, make_parser
from mmbfbox.engine.checkpoint.weights import KINDS
from mmbfbox.errors import exit_on_user_error
from mmbfbox.search.config import own_device
from mmbfbox.search.scoring.recalibrated import Recalibrator
from mmbfbox.utils.config import load_config


@exit_on_user_error
def main() -> None:
    """Export."""
    parser = make_parser(
        'Write an ordinary mmdet config and checkpoint of one architecture of a supernet. The config '
        'loads without any searchable class, and tools/train.py trains it from scratch.',
        'python tools/export_subnet.py work_dirs/search/best/01.json work_dirs/supernet/iter_150000.pth '
        '--out work_dirs/best',
    )
    parser.add_argument('arch', help='JSON file of an architecture, as the search writes it')
    parser.add_argument('supernet', help='checkpoint of the supernet')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder to write to')
    parser.add_argument(
        '--config',
        help='config whose data and schedule train the result; by default the one that the '
        "supernet's config names as final_config",
    )
    parser.add_argument(
        '--supernet-config',
        metavar='CONFIG',
        help="the supernet's config, for a file of weights that does not hold it",
    )
    parser.add_argument(
        '--search-config',
        metavar='CONFIG',
        help='recalibrate batch norm on the images of this search config; without it the weights '
        "keep the supernet's statistics and are a start for training, not a detector",
    )
    parser.add_argument(
        '--weights',
        choices=KINDS,
        help='raw weights or their moving average (ema), where the checkpoint has both; the average by '
        'default',
    )
    add_config_arguments(parser)
    args = parser.parse_args()

    recalibrate = None
    if args.search_config:
        search = load_config(args.search_config, args.cfg_options)
        recalibrate = Recalibrator(search, args.data_root, own_device(), args.face_category)
    exported = export.subnet(
        args.arch,
        args.supernet,
        args.out,
        final=args.config,
        data_root=args.data_root,
        cfg_options=args.cfg_options,
        supernet_config=args.supernet_config,
        kind=args.weights,
        recalibrate=recalibrate,
        face_category=args.face_category,
    )
    print(exported.arch)
    kind = f'{exported.meta.weights} weights ' if exported.meta.weights else ''
    print(f'wrote {exported.config} and {kind}{exported.weights}')


if __name__ == '__main__':
    main()
