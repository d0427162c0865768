"""Work dirs that were damaged between two steps: cut off, emptied, removed, or of another step."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from tests.abuse.case import Case, Change, as_text
from tests.abuse.material import BASELINE, SUPERNET, search_command, short_options
from tests.abuse.strategies.text import Draw

DATA = ('--data-root', 'data')
CHECKPOINT = 'supernet/iter_2.pth'
BEST = 'search/best/01.json'


def _more_training(config: str, folder: str) -> tuple[str, ...]:
    options = (*short_options(config, ['train_cfg.max_iters']), 'train_cfg.max_iters=3')
    return ('train', config, '--resume', '--work-dir', folder, *DATA, '--cfg-options', *options)


COMMANDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    'search on': (tuple(search_command(CHECKPOINT, 4)), ('search/*', CHECKPOINT)),
    'search report': (('search_report', 'search', '--supernet', CHECKPOINT), ('search/*',)),
    'export': (('export_subnet', BEST, CHECKPOINT, '--out', 'out'), (BEST, CHECKPOINT)),
    'resume supernet': (_more_training(SUPERNET, 'supernet'), ('supernet/*',)),
    'resume baseline': (_more_training(BASELINE, 'baseline'), ('baseline/*',)),
    'train best': (
        (
            *('train', 'best/config.py', '--work-dir', 'final', *DATA, '--cfg-options'),
            *short_options(BASELINE),
        ),
        ('best/*',),
    ),
    'test': (
        (
            *(
                'test',
                BASELINE,
                'baseline/iter_2.pth',
                '--work-dir',
                'test',
                '--out-dir',
                'detections',
            ),
            *(*DATA, '--cfg-options', 'test_dataloader.num_workers=0'),
        ),
        ('baseline/*', 'test/*', 'detections/*'),
    ),
    'publish': (
        (
            *('publish_model', 'baseline/iter_2.pth', '--out', 'published'),
            *('--metrics', 'test/metrics.json'),
        ),
        ('baseline/*.pth', 'test/metrics.json'),
    ),
    'publish best': (
        ('publish_model', 'best/weights.pth', '--config', 'best/config.py', '--out', 'published'),
        ('best/*',),
    ),
    'evaluate': (
        ('evaluate', 'wider', 'detections', '--ground-truth', 'data', '--out', 'out'),
        ('detections/*',),
    ),
}
"""Name to a command, and patterns of the files that it reads or finds in its way."""
LINES = ('{"index": 0', 'null', '[]', '{}', '\0', '{"index": -1, "arch": {}, "scores": {}}')


def work_dir_cases(material: Path) -> st.SearchStrategy[Case]:
    """Cases of this kind; there must be a chain."""
    files = {
        name: sorted(
            path.relative_to(material).as_posix()
            for pattern in patterns
            for path in material.glob(pattern)
        )
        for name, (_, patterns) in COMMANDS.items()
    }
    texts = {
        path: (material / path).read_bytes()
        for paths in files.values()
        for path in paths
        if (material / path).is_file() and (material / path).stat().st_size < 10_000
    }
    every = sorted({path for paths in files.values() for path in paths})
    return _damaged_dirs(files, every, texts)


@st.composite
def _damaged_dirs(
    draw: Draw, files: dict[str, list[str]], every: list[str], texts: dict[str, bytes]
) -> Case:
    name = draw(st.sampled_from(sorted(files)))
    path = draw(st.sampled_from(files[name]))
    what = draw(
        st.sampled_from(['cut', 'remove', 'flip', 'empty', 'folder', 'of another step', 'text'])
    )
    change: Change = dict(do='remove', path=path)
    if what == 'cut':
        change = dict(do='cut', path=path, keep=draw(st.floats(0, 0.999)))
    elif what == 'flip':
        change = dict(do='flip', path=path, at=draw(st.floats(0, 1)), bit=draw(st.integers(0, 7)))
    elif what == 'empty':
        change = dict(do='write', path=path, text='')
    elif what == 'folder':
        change = dict(do='folder', path=path)
    elif what == 'of another step':
        change = dict(do='copy', path=path, source=draw(st.sampled_from(every)))
    elif what == 'text' and path in texts:
        change = dict(do='write', path=path, text=draw(_edited(texts[path])))
    if change['do'] in ('cut', 'flip') and '.' not in Path(path).name.replace(
        'last_checkpoint', '.'
    ):
        change = dict(do='remove', path=path)  # a folder
    tool, *arguments = COMMANDS[name][0]
    return Case(tool, tuple(arguments), (change,), what=f'{name}: {what}')


@st.composite
def _edited(draw: Draw, data: bytes) -> str:
    """A text with a line of something else, a value of another type, or names of another folder."""
    lines = as_text(data).split('\n')
    at = draw(st.integers(0, len(lines) - 1))
    kind = draw(st.sampled_from(['line', 'half', 'number', 'name', 'twice']))
    if kind == 'line':
        lines.insert(at, draw(st.sampled_from(LINES)))
    elif kind == 'half':
        lines[at] = lines[at][: len(lines[at]) // 2]
    elif kind == 'twice':
        lines.insert(at, lines[at])
    elif kind == 'number':
        old, new = (
            draw(st.sampled_from('0123')),
            draw(st.sampled_from(['-1', 'null', '"a"', '1e999', '[]'])),
        )
        lines[at] = lines[at].replace(old, new, 1)
    else:
        lines[at] = lines[at].replace(
            draw(st.sampled_from(['iter', 'c2', 'conv', 'hard', '"'])), 'x', 1
        )
    return '\n'.join(lines)
