"""Errors that a user can cause, told in one sentence."""

from __future__ import annotations

import difflib
import functools
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FrameType
from typing import Any, ParamSpec

P = ParamSpec('P')
_LOST_BATCHES = ('DataLoader timed out', 'out of shared memory', 'shared memory object', '(shm)')
"""What torch says where a worker could not hand a batch over."""
_NO_MEMORY = (
    *("can't allocate memory", 'CUDA out of memory', 'Storage size calculation overflowed'),
    *('array is too big', 'Maximum allowed dimension exceeded', 'Failed to allocate'),
)
"""What torch, NumPy and OpenCV say where there is no memory, or could never be."""
_LONGEST_NAME = 300
_TESTED = ('mmbfbox', 'mmcv', 'mmdet', 'mmengine', 'torch', 'torchvision')
"""Packages whose parts can be built, as tests show: what goes wrong in one of them came with its settings. A
part of a user's own may have a fault of its own, whose traceback has to be seen."""
_OF_SETTINGS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
_NO_OPERATOR = 'mmbfbox-ops'
"""What our operators name themselves where they lack one of mmcv's; the rest says what to do."""


class UserError(ValueError):
    """Bad input: the message says what was given, what was expected and what to do."""

    def __init__(self, message: str) -> None:
        # An error in a loader's worker is raised again with its whole traceback as the message; what
        # follows the error's own name is the sentence.
        super().__init__(message.rsplit(f'{type(self).__name__}: ', 1)[-1].strip())


def near_names(name: str, known: Iterable[str]) -> list[str]:
    """Up to three of the known names that look like a mistyped one.

    Example:
        >>> near_names('bakcbone', ['neck', 'backbone', 'bbox_head'])
        ['backbone']
    """
    return difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.8)


def exit_on_user_error(main: Callable[P, None]) -> Callable[P, None]:
    """Wrap the ``main`` of a command line: a :class:`UserError` becomes one line and exit code 1.

    So do parts of a config that cannot be built, files that cannot be used, and too little memory.
    """

    @functools.wraps(main)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            main(*args, **kwargs)
        except Exception as error:
            sentence = in_one_sentence(error)
            if sentence is None:
                raise
            # A name or a value in it may hold line ends.
            print(f'error: {" ".join(sentence.splitlines())}', file=sys.stderr)
            sys.exit(1)

    return wrapped


def in_one_sentence(error: Exception) -> str | None:
    """What a user can do about an error; None for a fault of the program, whose traceback has to be seen.

    Example:
        >>> in_one_sentence(FileNotFoundError(2, 'No such file or directory', 'a.pth'))
        'a.pth: No such file or directory; check the path, its rights and the room on the disk'
    """
    if isinstance(error, UserError):
        return str(error)
    text, first = str(error), str(error).partition('\n')[0][:200]
    if isinstance(error, RuntimeError) and any(words in text for words in _LOST_BATCHES):
        return (
            f'a loader worker sends no batch ({first}); if the shared memory is full, give '
            'the container more (docker run --shm-size=8g) or lower num_workers; if the disk is '
            "slow, raise the dataloader's timeout (seconds, 0 for none)"
        )
    if isinstance(error, MemoryError) or any(words in text for words in _NO_MEMORY):
        return f'there is not enough memory ({first}); lower the sizes of batches or images'
    if isinstance(error, OSError) and error.filename is not None:
        name = str(error.filename)
        shown = name if len(name) < _LONGEST_NAME else f'{name[:_LONGEST_NAME]} ...'
        return f'{shown}: {error.strerror}; check the path, its rights and the room on the disk'
    if isinstance(error, NotImplementedError) and _NO_OPERATOR in text:
        return text
    if isinstance(error, _OF_SETTINGS):
        return why_not_built(error) or why_not_used(error)
    return None


def why_not_built(error: Exception) -> str | None:
    """One sentence on the part of a config that mmengine could not build; None for other errors.

    Parts are built by mmengine's ``build_from_cfg``, which calls what a ``type`` names with the keys
    beside it. Wrong keys and types, and values that are refused, are faults of the config; whatever else
    happens inside a part is not.

    Args:
        error: as it was caught, with its traceback.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    builds = [frame for frame in frames if frame.f_code.co_name == 'build_from_cfg']
    if not builds:
        return None
    part, at_the_part = builds[-1].f_locals.get('cfg'), frames[-1] is builds[-1]
    if not isinstance(part, Mapping):
        return (
            f'the config has {part!r} where the settings of a part belong; give a dict with a type'
        )
    kind = getattr(part.get('type'), '__name__', part.get('type'))
    said = str(error.args[0] if error.args else error).partition('\n')[0]
    unexpected = re.search(r"unexpected keyword argument '(\w+)'", said)
    if unexpected and unexpected[1] in part:
        near = near_names(unexpected[1], _known_to(builds[-1], part) - {unexpected[1]})
        hint = f'did you mean {" or ".join(near)}?' if near else 'correct or remove it'
        return f'{kind} of the config takes no {unexpected[1]} ({said}); {hint}'
    if isinstance(error, KeyError) and at_the_part and kind is None:
        return f'the config has {dict(part)} where a part belongs; give it a type'
    if isinstance(error, KeyError) and at_the_part:
        near = near_names(str(kind), _registered(builds[-1]))
        hint = f'did you mean {" or ".join(near)}?' if near else 'add its module to custom_imports'
        return f'the config asks for the type {kind}, which is not registered; {hint}'
    if at_the_part or isinstance(error, (AssertionError, ValueError)):
        return f'{kind} of the config cannot be built ({said[:200]}); correct its settings'
    inside = frames[frames.index(builds[-1]) + 1 :]
    if unexpected and _is_below(unexpected[1], part):
        return f'{kind} of the config cannot be built ({said[:200]}); correct {unexpected[1]}'
    if (isinstance(error, TypeError) and _only_constructors(inside)) or _is_tested(inside):
        wrong = [
            f'{key}={value!r}'
            for key, value in part.items()
            if key != 'type' and f"'{type(value).__name__}'" in said
        ]
        given = f'{", ".join(wrong)}: {said}' if wrong else said
        return f'{kind} of the config cannot be built ({given[:200]}); correct its settings'
    return None


def why_not_used(error: Exception) -> str | None:
    """One sentence on the step of a pipeline, of a library, that refuses an image; None for other errors.

    Such a step looks at its settings only when it has an image.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        step = frame.f_locals.get('self')
        package = type(step).__module__.partition('.')[0]
        if frame.f_code.co_name == 'transform' and package in _TESTED[1:]:
            said = str(error).partition('\n')[0] or type(error).__name__
            return (
                f'the step {step} of a pipeline cannot be used ({said[:200]}); correct its settings'
            )
    return None


def _only_constructors(frames: Sequence[FrameType]) -> bool:
    """Whether all of this happened in the constructor of a part, which only looks at its settings."""
    return all(frame.f_code.co_name == '__init__' for frame in frames)


def _is_tested(frames: Sequence[FrameType]) -> bool:
    """Whether the part is one that tests build."""
    return frames[0].f_globals.get('__name__', '').partition('.')[0] in _TESTED


def _is_below(key: str, settings: object) -> bool:
    """Whether a key stands anywhere in the settings of a part."""
    if isinstance(settings, Mapping):
        return key in settings or any(_is_below(key, value) for value in settings.values())
    return isinstance(settings, (list, tuple)) and any(_is_below(key, one) for one in settings)


def _known_to(build: FrameType, part: Mapping[str, Any]) -> set[str]:
    """The keys of a part, and what the class or function that it names takes."""
    kind = build.f_locals.get('obj_cls')
    return set(part) | set(inspect.signature(kind).parameters if callable(kind) else ())


def _registered(build: FrameType) -> list[str]:
    """The types of the registry that was asked, and of the one above it."""
    registry = build.f_locals.get('registry')
    above = getattr(registry, 'parent', None)
    return [name for one in (registry, above) for name in getattr(one, 'module_dict', ())]
