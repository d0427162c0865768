"""Annotation files of WIDER FACE, FDDB, COCO and the face-eval toolbox, damaged or only written elsewhere."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from mmbfbox.evaluation.face_eval.io import MATS
from tests.abuse.case import WORK, Case, Change, as_text
from tests.abuse.material import BASELINE
from tests.abuse.strategies.coco import coco_cases
from tests.abuse.strategies.text import HARMLESS, LEFT_BY_SYSTEMS, Draw, damaged

WIDER = 'data/wider_face_split/wider_face_train_bbx_gt.txt'
FOLD = 'fddb/FDDB-folds/FDDB-fold-01-ellipseList.txt'
SIZES = 'fddb/image_sizes.txt'
BROWSE = ('browse_dataset', BASELINE, '--data-root', 'data', '--out', 'out', '--number', '3')
SCALES = ('face_scales', WIDER, '--images', 'data/WIDER_train/images', '--out', 'out')
FDDB = ('evaluate', 'fddb', 'fddb.txt', '--ground-truth', 'fddb', '--out', 'out')
AFW = ('evaluate', 'afw', 'afw.txt', '--ground-truth', 'afw', '--out', 'out')
WIDER_TEST = ('evaluate', 'wider', 'predictions', '--ground-truth', 'data', '--out', 'out')
READERS = {WIDER: (BROWSE, SCALES), FOLD: (FDDB,), SIZES: (FDDB,)}
ODD_BOXES = (
    '0 0 0 0 0 0 0 0 0 0',
    '-50 -50 400 400 0 0 0 0 0 0',
    '500 500 10 10 0 0 0 0 0 0',
    '0.5 0.5 0.25 0.25 0 0 0 0 0 0',
    '10 10 -5 20 0 0 0 0 0 0',
    '10 10 1 1 2 0 0 1 2 0',
    '999999 0 999999 999999 0 0 0 0 0 0',
    '127 127 1 128 0 0 0 0 0 0',
)


def annotation_cases(material: Path) -> st.SearchStrategy[Case]:
    """Cases of this kind."""
    texts = {path: (material / path).read_bytes() for path in READERS}
    of_wider = (_damaged(texts), _harmless(texts), _odd_faces(texts[WIDER]))
    return st.one_of(*of_wider, _mats(), _lists(), coco_cases(material))


@st.composite
def _damaged(draw: Draw, texts: dict[str, bytes]) -> Case:
    path = draw(st.sampled_from(sorted(texts)))
    what, data = draw(damaged(texts[path]))
    tool, *arguments = draw(st.sampled_from(READERS[path]))
    change: Change = dict(do='write', path=path, text=as_text(data))
    return Case(tool, tuple(arguments), (change,), what=f'{Path(path).stem[:9]} {what}')


@st.composite
def _harmless(draw: Draw, texts: dict[str, bytes]) -> Case:
    path = draw(st.sampled_from(sorted(texts)))
    tool, *arguments = draw(st.sampled_from(READERS[path]))
    what = draw(st.sampled_from([*sorted(HARMLESS), *LEFT_BY_SYSTEMS]))
    if what in HARMLESS:
        change: Change = dict(do='write', path=path, text=as_text(HARMLESS[what](texts[path])))
    else:
        own = Path(path)
        folder = draw(st.sampled_from([own.parent.as_posix(), 'data/WIDER_train/images']))
        name = what.format(name=own.name)
        change = dict(do='write', path=f'{folder}/{name}', text='\0\1\2')
    return Case(tool, tuple(arguments), (change,), WORK, f'harmless {what}')


@st.composite
def _odd_faces(draw: Draw, data: bytes) -> Case:
    """Boxes and counts that stand in a line as they should, however odd they are."""
    blocks: list[str] = []
    lines = data.decode().splitlines()
    for name in [line for line in lines if '/' in line]:
        boxes = draw(st.lists(st.sampled_from(ODD_BOXES), max_size=3))
        blocks += [name, str(len(boxes)), *boxes] if boxes else [name, '0', ODD_BOXES[0]]
    tool, *arguments = draw(st.sampled_from((BROWSE, SCALES)))
    change: Change = dict(do='write', path=WIDER, text='\n'.join(blocks) + '\n')
    return Case(tool, tuple(arguments), (change,), WORK, 'odd boxes')


@st.composite
def _mats(draw: Draw) -> Case:
    """A mat of AFW or of WIDER FACE with wrong bits, or without its end."""
    wider = draw(st.sampled_from(['face', 'easy', 'medium', 'hard']))
    path, (tool, *arguments) = draw(
        st.sampled_from(
            [
                (f'afw/{MATS["afw"]}', AFW),
                (f'data/ground_truth/wider_{wider}_val.mat', WIDER_TEST),
            ]
        )
    )
    change: Change = dict(do='cut', path=path, keep=draw(st.floats(0, 1)))
    if draw(st.booleans()):
        at, bit = draw(st.floats(0, 1)), draw(st.integers(0, 7))
        change = dict(do='flip', path=path, at=at, bit=bit)
    return Case(tool, tuple(arguments), (change,), what=f'mat {change["do"]}')


@st.composite
def _lists(draw: Draw) -> Case:
    """A file or folder that is not there, is empty, or is a folder where a file should be."""
    path = draw(st.sampled_from([*READERS, 'fddb/FDDB-folds', f'afw/{MATS["afw"]}', 'data']))
    change: Change = draw(
        st.sampled_from(
            [
                dict(do='remove', path=path),
                dict(do='folder', path=path),
                dict(do='copy', path=path, source='afw.txt'),
            ]
        )
    )
    commands = [*READERS.get(path, ()), *((FDDB,) if 'fddb' in path else ())]
    if 'afw' in path:
        commands = [AFW]
    tool, *arguments = draw(st.sampled_from(commands or [BROWSE, WIDER_TEST]))
    return Case(tool, tuple(arguments), (change,), what=f'{change["do"]} instead of a file')
