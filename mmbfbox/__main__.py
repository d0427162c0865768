"""The command ``mmbfbox``: faces on pictures, videos and webcams, from the shell."""

from __future__ import annotations

import os
import sys

from mmbfbox.errors import exit_on_user_error


@exit_on_user_error
def main() -> None:
    """Run the command line.

    Exit code 1 says that some input was bad, 130 that it was interrupted.
    """
    # What OpenCV and FFmpeg think of a file comes as one sentence of ours.
    os.environ.setdefault('OPENCV_LOG_LEVEL', 'SILENT')
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')
    from mmbfbox.deploy.command.parsing import parse

    args = parse(sys.argv[1:])
    try:
        sys.exit(args.run(args))
    except KeyboardInterrupt:
        print('stopped', file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == '__main__':
    main()
