"""Write the page of a training, finished or running."""

from __future__ import annotations

from mmbfbox.command_line import make_parser
from mmbfbox.errors import exit_on_user_error
from mmbfbox.pipeline.run_report import PAGE, write_training_report


@exit_on_user_error
def main() -> None:
    """Write the page."""
    parser = make_parser(
        'Write one page of a training: curves, AP over time, the scores and pictures of its test, the images '
        'with the most errors, and what it was made from. It needs no other file.',
        'python tools/training_report.py work_dirs/final --test work_dirs/final_test '
        '--pictures work_dirs/pictures',
    )
    parser.add_argument('run', help='work dir of tools/train.py, or the JSON record of a training')
    parser.add_argument(
        '--test',
        metavar='DIR',
        help='work dir of tools/test.py; by default RUN itself, RUN_test beside it or RUN/test',
    )
    parser.add_argument(
        '--pictures',
        metavar='DIR',
        help='what tools/test.py --pictures has written; by default pictures in the work dir of the test',
    )
    parser.add_argument(
        '--out', metavar='FILE', help=f'the page; by default {PAGE} in the work dir'
    )
    args = parser.parse_args()
    print(f'wrote {write_training_report(args.run, args.test, args.pictures, args.out)}')


if __name__ == '__main__':
    main()
