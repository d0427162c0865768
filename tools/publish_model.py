"""Make a checkpoint ready to be handed out."""

from __future__ import annotations

from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.command_line import make_parser
from mmbfbox.engine.checkpoint.weights import KINDS
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.export import publish
from mmbfbox.export.publish_folder import publish_folder
from mmbfbox.utils.config import load_config


@exit_on_user_error
def main() -> None:
    """Publish."""
    parser = make_parser(
        'Write a file that carries weights, config, arch, metric and hash only, named after its '
        'SHA-256, and the config beside it. A checkpoint that holds anything but weights, plain values '
        'and logs is refused.',
        'python tools/publish_model.py work_dirs/final/iter_80000.pth --out published '
        '--metrics work_dirs/final_test/metrics.json',
    )
    parser.add_argument('checkpoint', help='checkpoint of tools/train.py or of export_subnet.py')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder to write to')
    parser.add_argument('--config', help="the model's config; by default the checkpoint's own")
    parser.add_argument(
        '--metrics',
        metavar='FILE',
        help='metrics.json of tools/test.py, to note the results of these weights',
    )
    parser.add_argument(
        '--name',
        help="start of the file names; by default the config's name, else the checkpoint's",
    )
    parser.add_argument(
        '--weights',
        choices=KINDS,
        help='raw weights or their moving average (ema), where the checkpoint has both; the average by '
        'default',
    )
    parser.add_argument(
        '--folder',
        action='store_true',
        help='write a folder for all readers: card, config, weights as .safetensors and .pth, model.onnx '
        'and sha256sums',
    )
    parser.add_argument(
        '--licence', default='not stated', help='of the weights, for the card and the ONNX files'
    )
    parser.add_argument(
        '--int8', metavar='DIR', help='with --folder: training pictures; adds model.int8.onnx'
    )
    args = parser.parse_args()
    if args.int8 and not args.folder:
        raise UserError('--int8 adds a file to the folder; give --folder, too')

    if args.folder:
        written = publish_folder(
            args.checkpoint,
            args.out,
            load_config(args.config) if args.config else None,
            Metrics.read(args.metrics) if args.metrics else None,
            args.name,
            args.weights,
            args.licence,
            args.int8,
        )
        print(f'wrote {", ".join(written.files)} into {written.folder}')
        return
    published = publish(
        args.checkpoint,
        args.out,
        load_config(args.config) if args.config else None,
        Metrics.read(args.metrics) if args.metrics else None,
        args.name,
        args.weights,
    )
    kind = f'{published.meta.weights} weights ' if published.meta.weights else ''
    if published.replaced:
        print(f'paths of this machine were taken out of {", ".join(published.replaced)}')
    print(f'wrote {kind}{published.weights} and {published.config}')


if __name__ == '__main__':
    main()
