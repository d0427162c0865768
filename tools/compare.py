"""Put several trainings beside each other on one page."""

from __future__ import annotations

from mmbfbox.command_line import make_parser
from mmbfbox.errors import exit_on_user_error
from mmbfbox.pipeline.run_report import write_comparison


@exit_on_user_error
def main() -> None:
    """Write the page."""
    parser = make_parser(
        'Write one page of several trainings: their curves, AP over time, scores, and the settings in '
        'which they differ. It needs no other file.',
        'python tools/compare.py work_dirs/demo/final work_dirs/demo/baseline --out comparison.html',
    )
    parser.add_argument(
        'runs', nargs='+', help='work dirs of tools/train.py, or JSON records of trainings'
    )
    parser.add_argument(
        '--out',
        default='work_dirs/comparison.html',
        metavar='FILE',
        help='the page; work_dirs/comparison.html by default',
    )
    args = parser.parse_args()
    print(f'wrote {write_comparison(args.runs, args.out)}')


if __name__ == '__main__':
    main()
