"""``mmbfbox detect``, ``video`` and ``webcam``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path

from mmbfbox.deploy.command import writers
from mmbfbox.deploy.command.progress import Progress
from mmbfbox.deploy.detector import FaceDetector
from mmbfbox.deploy.faces import Faces
from mmbfbox.deploy.streams import LiveStream, Stream, VideoStream, open_stream
from mmbfbox.errors import UserError


def detect(args: argparse.Namespace) -> int:
    """Faces on pictures; one that is bad is told, and the rest follows."""
    streams = [open_stream(source) for source in args.sources]
    with ExitStack() as stack:
        progress, bad = Progress('pictures', _total(streams)), list[UserError]()
        detector = _detector(args)
        add = _outputs(args, _Places(streams), stack)
        if args.pictures:
            add.append(stack.enter_context(writers.drawn_pictures(args.pictures, _Places(streams))))

        def tell(error: UserError) -> None:
            bad.append(error)
            if _total(streams) != 1:
                progress.say(f'error: {error}')

        done = _run(_faces(detector, streams, args, tell), add or [_printed(stack)], progress)
        if not done and bad:
            # Nothing at all was read, so there is nothing to write either.
            raise (
                bad[0]
                if len(bad) == 1
                else UserError(f'none of {len(bad)} pictures can be read; check the source')
            )
    progress.end()
    if bad:
        print(f'{len(bad)} of {done + len(bad)} pictures cannot be read', file=sys.stderr)
    return int(bool(bad))


def video(args: argparse.Namespace) -> int:
    """Faces on a video."""
    stream = open_stream(args.source)
    if not isinstance(stream, (VideoStream, LiveStream)):
        raise UserError(
            f'{args.source} is no video by its name; for pictures there is mmbfbox detect'
        )
    return _frames(args, stream, None)


def webcam(args: argparse.Namespace) -> int:
    """Faces before a webcam, until there are enough frames or Ctrl-C is pressed."""
    return _frames(args, open_stream(args.source), args.frames)


def _frames(args: argparse.Namespace, stream: Stream, most: int | None) -> int:
    """Frames of a video or of a camera."""
    with ExitStack() as stack:
        detector, progress = _detector(args), Progress('frames', stream.total or most)
        add = _outputs(args, _Places([stream]), stack)
        if args.out:
            add.append(stack.enter_context(writers.drawn_video(args.out, stream.rate)))
        faces = stack.enter_context(closing(_faces(detector, [stream], args, None)))
        try:
            _run(islice(faces, most), add or [_printed(stack)], progress)
        except KeyboardInterrupt:
            # The usual end of a live stream: what there is is kept.
            if not isinstance(stream, LiveStream):
                raise
    progress.end()
    return 0


def _run(faces: Iterator[Faces], add: Sequence[writers.Add], progress: Progress) -> int:
    """Write all results; how many there were."""
    done = 0
    for each in faces:
        for write in add:
            write(each)
        done += 1
        progress.step()
    return done


def _faces(
    detector: FaceDetector,
    streams: Sequence[Stream],
    args: argparse.Namespace,
    on_bad: Callable[[UserError], None] | None,
) -> Generator[Faces, None, None]:
    for stream in streams:
        yield from detector.stream(stream, exif=not args.no_exif, tile=args.tile, on_bad=on_bad)


def _detector(args: argparse.Namespace) -> FaceDetector:
    return FaceDetector(
        args.model, args.backend, args.device, args.size, args.score, args.threads, args.precision
    )


def _outputs(args: argparse.Namespace, places: _Places, stack: ExitStack) -> list[writers.Add]:
    """What the arguments ask for."""
    asked = [
        writers.json_lines(args.jsonl) if args.jsonl else None,
        writers.csv_table(args.csv) if args.csv else None,
        writers.coco_json(args.coco, places) if args.coco else None,
        writers.wider_files(args.wider, places) if args.wider else None,
    ]
    return [stack.enter_context(output) for output in asked if output is not None]


def _printed(stack: ExitStack) -> writers.Add:
    return stack.enter_context(writers.json_lines('-'))


def _total(streams: Sequence[Stream]) -> int | None:
    totals = [stream.total for stream in streams]
    return None if None in totals else sum(total for total in totals if total)


class _Places:
    """Where a picture is below the folder that was given; frames are below the name of their video."""

    def __init__(self, streams: Sequence[Stream]) -> None:
        self._roots = [stream.root for stream in streams if stream.root is not None]

    def __call__(self, faces: Faces) -> Path:
        path = Path(faces.name)
        if faces.frame is not None:
            return Path(path.stem, f'{faces.frame:06d}.jpg')
        for root in self._roots:
            if path.is_relative_to(root):
                return path.relative_to(root)
        return Path(path.name)
