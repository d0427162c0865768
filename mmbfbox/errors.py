"""Errors that a user can cause, told in one sentence."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec

P = ParamSpec('P')
_LOST_BATCHES = ('DataLoader timed out', 'out of shared memory', 'shared memory object', '(shm)')
"""What torch says where a worker could not hand a batch over."""


class UserError(ValueError):
    """Bad input: the message says what was given, what was expected and what to do."""

    def __init__(self, message: str) -> None:
        # An error in a loader's worker is raised again with its whole traceback as the message; what
        # follows the error's own name is the sentence.
        super().__init__(message.rsplit(f'{type(self).__name__}: ', 1)[-1].strip())


def exit_on_user_error(main: Callable[P, None]) -> Callable[P, None]:
    """Wrap the ``main`` of a command line: a :class:`UserError` becomes one line and exit code 1."""

    @functools.wraps(main)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            main(*args, **kwargs)
        except UserError as error:
            print(f'error: {error}', file=sys.stderr)
            sys.exit(1)
        except RuntimeError as error:
            first = str(error).partition('\n')[0]
            if not any(words in str(error) for words in _LOST_BATCHES):
                raise
            print(
                f'error: a loader worker sends no batch ({first}); if the shared memory is full, give '
                'the container more (docker run --shm-size=8g) or lower num_workers; if the disk is '
                "slow, raise the dataloader's timeout (seconds, 0 for none)",
                file=sys.stderr,
            )
            sys.exit(1)

    return wrapped
