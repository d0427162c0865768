"""Make a checkpoint ready to be handed out."""

from __future__ import annotations

import json
from pathlib import Path

from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.export.publish import publish
from mmbfbox.utils.cli import make_parser
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
        '--metrics', metavar='FILE', help='metrics.json of tools/test.py, to note the results'
    )
    parser.add_argument(
        '--name',
        help="start of the file names; by default the config's name, else the checkpoint's",
    )
    args = parser.parse_args()

    config = load_config(args.config) if args.config else None
    metric = None
    if args.metrics:
        try:
            metric = json.loads(Path(args.metrics).read_text())
            metric = {str(name): float(value) for name, value in metric.items()}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise UserError(
                f'{args.metrics} is no file of results; give the metrics.json that tools/test.py wrote'
            ) from error
    published = publish(args.checkpoint, args.out, config, metric, args.name)
    print(f'wrote {published.weights} and {published.config}')


if __name__ == '__main__':
    main()
