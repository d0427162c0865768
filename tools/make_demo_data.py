"""Make a small face data set in WIDER FACE's layout out of photographs in scikit-image."""

from __future__ import annotations

import sys
import time

from mmbfbox.command_line import make_parser
from mmbfbox.datasets.demo.make import make_demo_data
from mmbfbox.errors import exit_on_user_error


@exit_on_user_error
def main() -> None:
    """Make the data set."""
    parser = make_parser(
        'Make a small face data set in WIDER FACE layout out of photographs in scikit-image.',
        'python tools/make_demo_data.py --out data/demo --train 600 --val 150',
    )
    parser.add_argument('--out', required=True, metavar='DIR', help='folder to write to')
    parser.add_argument('--seed', type=int, default=0, help='another seed, other images; 0')
    parser.add_argument('--train', type=int, default=600, help='training images; 600')
    parser.add_argument('--val', type=int, default=150, help='validation images; 150')
    parser.add_argument('--size', type=int, default=192, help='side of an image in pixels; 192')
    args = parser.parse_args()
    start = time.time()

    def show(done: int, total: int) -> None:
        if done % 50 == 0 or done == total:
            left = (time.time() - start) / done * (total - done)
            print(f'{done}/{total} images, {left:.0f} s left', file=sys.stderr)

    make_demo_data(
        args.out, seed=args.seed, train=args.train, val=args.val, size=args.size, progress=show
    )
    print(f'wrote {args.train} training and {args.val} validation images to {args.out}')


if __name__ == '__main__':
    main()
