"""Export an architecture of a supernet as an ordinary config and checkpoint."""

from __future__ import annotations

from pathlib import Path

from mmdet.registry import MODELS
from mmengine.registry import init_default_scope

from mmbfbox.engine import load_checkpoint_file, load_weights
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.export import subnet_weights, write_subnet
from mmbfbox.export.subnet import subnet_config
from mmbfbox.models import space_of
from mmbfbox.search.config import own_device
from mmbfbox.search.scoring.reference import ReferenceScorer
from mmbfbox.utils.cli import add_config_arguments, make_parser
from mmbfbox.utils.config import config_from_text, load_config
from mmbfbox.utils.data_root import set_data_root
from mmbfbox.utils.quiet import build_quietly


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
        '--search-config',
        metavar='CONFIG',
        help='recalibrate batch norm on the images of this search config; without it the weights '
        "keep the supernet's statistics and are a start for training, not a detector",
    )
    add_config_arguments(parser)
    args = parser.parse_args()

    checkpoint = load_checkpoint_file(args.supernet)
    if 'state_dict' not in checkpoint or 'cfg' not in checkpoint.get('meta', {}):
        raise UserError(
            f'{args.supernet} is no training checkpoint (no "state_dict" and "meta.cfg"); give a '
            f'checkpoint that tools/train.py wrote'
        )
    supernet = config_from_text(checkpoint['meta']['cfg'], args.supernet)
    init_default_scope('mmdet')
    model = build_quietly(lambda: MODELS.build(supernet.model))
    space = space_of(model)
    load_weights(model, checkpoint['state_dict'], args.supernet)
    path = Path(args.arch)
    if not path.is_file():
        raise UserError(f'the architecture {path} does not exist; give a JSON file of the search')
    arch = space.from_json(path.read_text())

    final = args.config or supernet.get('final_config')
    if not final:
        raise UserError("the supernet's config names no final_config; say which one with --config")
    data_root = args.data_root or supernet.get('data_root')
    config = subnet_config(final, supernet.model, arch, data_root, args.cfg_options)
    weights = subnet_weights(checkpoint['state_dict'], arch)
    if args.search_config:
        search = load_config(args.search_config, args.cfg_options)
        if data_root and data_root != search.get('data_root'):
            set_data_root(search, data_root)
        search.model = supernet.model
        weights = (
            ReferenceScorer(search, checkpoint['state_dict'], own_device())
            .subnet(arch)
            .state_dict()
        )
    written = write_subnet(
        args.out,
        config,
        space.to_json(arch),
        weights,
        dict(dataset_meta=checkpoint['meta'].get('dataset_meta'), arch=space.to_json(arch)),
    )
    print(arch)
    print('wrote', *written)


if __name__ == '__main__':
    main()
