"""Folders and files of predictions, as other projects write them or as they arrive after a while."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from tests.abuse.case import WORK, Case, Change, as_text
from tests.abuse.strategies.text import HARMLESS, LEFT_BY_SYSTEMS, Draw, damaged

TRUTH = {'wider': 'data', 'fddb': 'fddb', 'afw': 'afw'}
PREDICTIONS = {'wider': 'predictions', 'fddb': 'fddb.txt', 'afw': 'afw.txt'}
OPTIONS = (
    ('--json',),
    ('--out', 'out'),
    ('--out', 'out', '--name', 'mine'),
    ('--compare', 'other={path}'),
    ('--out', 'out', '--compare', 'other={path}'),
    (),
)
OF_WIDER = (('--out', 'out', '--images', 'data/WIDER_val/images'), ('--matlab-int',))


def prediction_cases(material: Path) -> st.SearchStrategy[Case]:
    """Cases of this kind."""
    files = sorted((material / 'predictions').glob('*/*.txt'))
    names = [path.relative_to(material).as_posix() for path in files]
    texts = {name: (material / name).read_bytes() for name in names}
    single = {path: (material / path).read_bytes() for path in ('fddb.txt', 'afw.txt')}
    return st.one_of(
        _damaged(texts | single), _harmless(texts | single), _rewritten(texts), _moved(names)
    )


def _benchmark(path: str) -> str:
    return {'fddb.txt': 'fddb', 'afw.txt': 'afw'}.get(path, 'wider')


@st.composite
def _command(draw: Draw, benchmark: str) -> tuple[str, ...]:
    options = draw(st.sampled_from(OPTIONS + (OF_WIDER if benchmark == 'wider' else ())))
    path = PREDICTIONS[benchmark]
    words = (option.format(path=path) for option in options)
    return (benchmark, path, '--ground-truth', TRUTH[benchmark], *words)


@st.composite
def _damaged(draw: Draw, texts: dict[str, bytes]) -> Case:
    path = draw(st.sampled_from(sorted(texts)))
    what, data = draw(damaged(texts[path]))
    benchmark = _benchmark(path)
    change: Change = dict(do='write', path=path, text=as_text(data))
    return Case('evaluate', draw(_command(benchmark)), (change,), what=f'{benchmark} {what}')


@st.composite
def _harmless(draw: Draw, texts: dict[str, bytes]) -> Case:
    path = draw(st.sampled_from(sorted(texts)))
    benchmark = _benchmark(path)
    systems = LEFT_BY_SYSTEMS if benchmark == 'wider' else ()
    what = draw(st.sampled_from([*sorted(HARMLESS), *systems]))
    if what in HARMLESS:
        change: Change = dict(do='write', path=path, text=as_text(HARMLESS[what](texts[path])))
    else:
        folder = draw(st.sampled_from([Path(path).parent, Path(path).parent.parent]))
        name = what.format(name=Path(path).name)
        change = dict(do='write', path=f'{folder}/{name}', text='\0\1\2')
    return Case('evaluate', draw(_command(benchmark)), (change,), WORK, f'harmless {what}')


def _normalised(row: list[float]) -> list[float]:
    return [value / 128 for value in row[:4]] + row[4:]


def _corners(row: list[float]) -> list[float]:
    return [*row[:2], row[0] + row[2], row[1] + row[3], *row[4:]]


def _centres(row: list[float]) -> list[float]:
    return [row[0] + row[2] / 2, row[1] + row[3] / 2, *row[2:]]


def _score_first(row: list[float]) -> list[float]:
    return [row[4], *row[:4]]


REWRITTEN = {
    'normalised': _normalised,
    'xyxy': _corners,
    'from the centre': _centres,
    'score first': _score_first,
    'scores all 1': lambda row: [*row[:4], 1.0],
    'scores all 0': lambda row: [*row[:4], 0.0],
    'scores of thousands': lambda row: [*row[:4], 1e5 * row[4]],
    'negative scores': lambda row: [*row[:4], -row[4]],
    'flat boxes': lambda row: [*row[:2], 0.0, *row[3:]],
    'huge boxes': lambda row: [*row[:2], 1e9, 1e9, row[4]],
    'tiny boxes': lambda row: [*row[:2], 1e-9, 1e-9, row[4]],
    'far away': lambda row: [1e15, -1e15, *row[2:]],
    'largest numbers': lambda row: [1.7e308, -1.7e308, 1.7e308, 1.7e308, row[4]],
}


@st.composite
def _rewritten(draw: Draw, texts: dict[str, bytes]) -> Case:
    """All files in another convention; every line is five finite numbers."""
    what = draw(st.sampled_from(sorted(REWRITTEN)))
    keep = draw(st.integers(0, 8))
    changes: list[Change] = []
    for path, data in texts.items():
        title, _, *lines = data.decode().splitlines()
        rows = [REWRITTEN[what]([float(word) for word in line.split()]) for line in lines[:keep]]
        body = [' '.join(map(repr, row)) for row in rows]
        text = '\n'.join([title, str(len(body)), *body]) + '\n'
        changes.append(dict(do='write', path=path, text=text))
    return Case('evaluate', draw(_command('wider')), tuple(changes), WORK, what)


@st.composite
def _moved(draw: Draw, names: list[str]) -> Case:
    """Files that are missing, twice, in the wrong place, or not files."""
    first, other = draw(st.sampled_from(names)), draw(st.sampled_from(names))
    event = Path(first).parent.as_posix()
    moves: dict[str, tuple[Change, ...]] = {
        'one missing': (dict(do='remove', path=first),),
        'an event missing': (dict(do='remove', path=event),),
        'none': (dict(do='remove', path='predictions'), dict(do='folder', path='predictions')),
        'no folder': (dict(do='remove', path='predictions'),),
        'a copy': (dict(do='copy', path=first.replace('.txt', ' (1).txt'), source=other),),
        'in another event': (dict(do='copy', path=f'{event}/{Path(other).name}', source=other),),
        'an event of another name': (
            dict(do='copy', path='predictions/99--Other', source=event),
            dict(do='remove', path=event),
        ),
        'a level too high': (dict(do='copy', path='predictions/a.txt', source=first),),
        'a level too deep': (dict(do='copy', path=f'{event}/inner/a.txt', source=first),),
        'a folder as file': (dict(do='folder', path=first),),
        'a file as event': (dict(do='copy', path=event, source='afw.txt'),),
        'empty': (dict(do='write', path=first, text=''),),
        'another suffix': (
            dict(do='copy', path=first.replace('.txt', '.TXT'), source=first),
            dict(do='remove', path=first),
        ),
        'an odd name': (
            dict(do='copy', path=f'{event}/ü%s{{}}\n.txt', source=first),
            dict(do='remove', path=first),
        ),
    }
    what = draw(st.sampled_from(sorted(moves)))
    return Case('evaluate', draw(_command('wider')), moves[what], what=what)
