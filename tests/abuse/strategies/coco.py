"""Annotations in COCO's JSON with values that nobody means, or damaged as text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from mmbfbox.datasets.wider_annotations import parse_wider_annotations
from tests.abuse.case import Case, Change, as_text
from tests.abuse.material import BASELINE
from tests.abuse.strategies.text import Draw, damaged

WIDER = 'data/wider_face_split/wider_face_train_bbx_gt.txt'
FILE = 'own/annotations/train.json'
READERS = (
    ('browse_dataset', BASELINE, '--data-root', 'own', '--out', 'out', '--number', '3'),
    ('face_scales', FILE, '--out', 'out'),
)
ODD_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1.5, 10**30, 1e308, float('nan'), '', '7', 'a\nb', '../x.jpg', '/x.jpg', [], {},
    [1, 2, 3, 4], [0, 0, 0, 0], [-5, -5, 9999, 9999], [500, 500, 9, 9], ['1', 2, 3, 4], [[1]], {'id': 1},
)  # fmt: skip


def coco_cases(material: Path) -> st.SearchStrategy[Case]:
    """Cases of this kind."""
    content = json.dumps(_content(material), indent=1)
    return st.one_of(_odd_values(content), _damaged_text(content))


@st.composite
def _odd_values(draw: Draw, content: str) -> Case:
    """Other values in one to three entries, or in place of a list."""
    found = json.loads(content)
    kinds = []
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(sorted(found)))
        value = draw(st.sampled_from(ODD_VALUES))
        entries = found[name]
        if not isinstance(entries, list) or not entries or draw(st.integers(0, 9)) == 0:
            found[name] = value
            kinds.append(name)
            continue
        entry = entries[draw(st.integers(0, len(entries) - 1))]
        if isinstance(entry, dict) and entry:
            key = draw(st.sampled_from(sorted(entry)))
            entry[key] = value
            kinds.append(f'{name}.{key}')
    return _case(draw, json.dumps(found).encode(), f'COCO {kinds[0] if kinds else "as it is"}')


@st.composite
def _damaged_text(draw: Draw, content: str) -> Case:
    what, data = draw(damaged(content.encode()))
    return _case(draw, data, f'COCO {what}')


def _case(draw: Draw, data: bytes, what: str) -> Case:
    tool, *arguments = draw(st.sampled_from(READERS))
    images: Change = dict(do='copy', path='own/train', source='data/WIDER_train/images')
    file: Change = dict(do='write', path=FILE, text=as_text(data))
    return Case(tool, tuple(arguments), (images, file), what=what)


def _content(material: Path) -> dict[str, Any]:
    """The faces of the material; its images are 128 pixels wide and high."""
    images, annotations = [], []
    for number, record in enumerate(parse_wider_annotations(material / WIDER)):
        images.append(dict(id=number, file_name=record.name, width=128, height=128))
        for left, top, right, bottom in record.boxes.tolist():
            box = [left, top, right - left, bottom - top]
            annotations.append(
                dict(id=len(annotations), image_id=number, category_id=1, bbox=box, iscrowd=0)
            )
    categories = [dict(id=1, name='face')]
    return dict(images=images, annotations=annotations, categories=categories)
