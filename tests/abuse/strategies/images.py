"""Image files of every kind that turns up in data sets, whole and damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.abuse.case import WORK, Case, Change
from tests.abuse.material import BASELINE, short_options
from tests.abuse.strategies.text import Draw

KINDS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ('RGB', 'JPEG', {}),
    ('RGB', 'JPEG', {'progressive': True}),
    ('RGB', 'JPEG', {'orientation': 6}),
    ('RGB', 'JPEG', {'orientation': 3}),
    ('RGB', 'JPEG', {'subsampling': 0, 'quality': 1}),
    ('L', 'JPEG', {}),
    ('CMYK', 'JPEG', {}),
    ('RGB', 'PNG', {}),
    ('RGBA', 'PNG', {}),
    ('LA', 'PNG', {}),
    ('P', 'PNG', {}),
    ('1', 'PNG', {}),
    ('I;16', 'PNG', {}),
    ('RGB', 'WEBP', {}),
    ('RGB', 'BMP', {}),
    ('RGB', 'TIFF', {}),
    ('P', 'GIF', {}),
    ('RGB', 'PPM', {}),
)
SIZES = ((1, 1), (1, 200), (200, 1), (2, 2), (3, 1000), (1000, 3), (128, 128), (130, 97), (7, 9))
TRAIN, VAL = 'data/WIDER_train/images', 'data/WIDER_val/images'


def image_cases(material: Path) -> st.SearchStrategy[Case]:
    """Cases of this kind."""
    names = {
        folder: [
            path.relative_to(material).as_posix()
            for path in sorted((material / folder).glob('*/*'))
        ]
        for folder in (TRAIN, VAL)
    }
    return _images(names, (material / 'baseline').is_dir())


@st.composite
def _images(draw: Draw, names: dict[str, list[str]], trained: bool) -> Case:
    """One to three images of the training or of the test are of another kind."""
    browse = ('browse_dataset', BASELINE, '--data-root', 'data', '--out', 'out', '--number', '24')
    annotations = 'data/wider_face_split/wider_face_train_bbx_gt.txt'
    scales = ('face_scales', annotations, '--images', TRAIN, '--out', 'out')
    sheet = ('evaluate', 'wider', 'predictions', '--ground-truth', 'data', '--out', 'out')
    commands = [(TRAIN, browse), (TRAIN, scales), (VAL, (*sheet, '--images', VAL))]
    if trained:
        commands += [(VAL, _test(draw)), (TRAIN, _train())]
    folder, (tool, *arguments) = draw(st.sampled_from(commands))
    chosen = draw(st.lists(st.sampled_from(names[folder]), min_size=1, max_size=3, unique=True))
    drawn = [draw(_image(path)) for path in chosen]
    what, _ = drawn[0]
    # Damaged images are passed over in a training and in a test; where they are measured, they are named.
    must = WORK if tool in ('browse_dataset', 'test', 'train') else ''
    return Case(tool, tuple(arguments), tuple(change for _, change in drawn), must, what)


def _test(draw: Draw) -> tuple[str, ...]:
    more = draw(
        st.sampled_from(
            [
                ('--pictures', 'pictures'),
                ('--scheme', 'vga'),
                ('--scheme', '50x90', '--pictures', 'pictures'),
                ('--per-level',),
                ('--tta', 's3fd'),
                (),
            ]
        )
    )
    results = ('--work-dir', 'work', '--out-dir', 'out')
    options = ('--cfg-options', 'test_dataloader.num_workers=0')
    return 'test', BASELINE, 'baseline/iter_2.pth', '--data-root', 'data', *results, *more, *options


def _train() -> tuple[str, ...]:
    options = ('--cfg-options', *short_options(BASELINE))
    return 'train', BASELINE, '--data-root', 'data', '--work-dir', 'work', *options


@st.composite
def _image(draw: Draw, path: str) -> tuple[str, Change]:
    """What the image is, and the change that puts it there."""
    nothing = draw(
        st.sampled_from(['', '', '', '', 'zero bytes', 'a web page', 'a folder', 'zeros'])
    )
    if nothing == 'a folder':
        return nothing, dict(do='folder', path=path)
    if nothing:
        text = {'zero bytes': '', 'a web page': '<html>404</html>', 'zeros': '\0' * 600}[nothing]
        return nothing, dict(do='write', path=path, text=text)
    mode, form, options = draw(st.sampled_from(KINDS))
    size = draw(st.sampled_from(SIZES))
    keep = draw(st.sampled_from([1, 1, 0.99, 0.6, 0.1]))
    change: Change = dict(
        do='draw', path=path, size=list(size), mode=mode, form=form, options=options, keep=keep
    )
    return f'{form} {mode}{" cut off" if keep < 1 else ""}', change
