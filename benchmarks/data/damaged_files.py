"""Damage annotation files and JPEGs at random, and count what becomes of them.

Every damaged annotation file is read and, if it is accepted, a training sample is made from it; every
damaged JPEG stands among whole ones in a data set that is gone through once. Anything but a result or
one sentence is a traceback.

    python benchmarks/data/damaged_files.py --data data/WIDERFace
"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import numpy as np
from mmengine.registry import init_default_scope

from benchmarks.common.scripts import new_parser
from mmbfbox.datasets import DamagedImageError, WiderFaceDataset
from mmbfbox.datasets.randomness import seeded
from mmbfbox.datasets.wider_annotations import parse_wider_annotations
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import LAYOUT
from mmbfbox.utils.images import read_image

ANNOTATIONS = 'wider_face_split/wider_face_train_bbx_gt.txt'
IMAGES = 'WIDER_train/images'
WORDS = (
    'nan', 'inf', '1e400', '-7', '99999999999', '9' * 5000, '0x10', '', '\0', '\u0663', '\ud7ff',
    '../../x.jpg', '/', '0', '1', '-0', '1_0', ';', '\x85', '\r',
)  # fmt: skip
Damage = Callable[[bytes, np.random.Generator], bytes]


def damage_text(data: bytes, rng: np.random.Generator) -> bytes:
    """One to four random changes of an annotation file."""
    for _ in range(rng.integers(1, 5)):
        lines = data.split(b'\n')
        line, other = rng.integers(len(lines), size=2)
        at = int(rng.integers(len(data) + 1))
        kind = rng.integers(8)
        if kind == 0:
            del lines[line]
        elif kind == 1:
            lines.insert(line, lines[other])
        elif kind == 2:
            lines[line], lines[other] = lines[other], lines[line]
        elif kind == 3:
            words = lines[line].split(b' ')
            words[rng.integers(len(words))] = WORDS[rng.integers(len(WORDS))].encode()
            lines[line] = b' '.join(words)
        data = b'\n'.join(lines)
        if kind == 4:
            data = data[:at]
        elif kind == 5:
            data = data[:at] + rng.bytes(int(rng.integers(1, 9))) + data[at:]
        elif kind == 6 and data:
            at = min(at, len(data) - 1)
            data = data[:at] + bytes([data[at] ^ (1 << int(rng.integers(8)))]) + data[at + 1 :]
        elif kind == 7:
            data = data[:at] + data[at + int(rng.integers(1, 80)) :]
    return data


def _overwrite(data: bytes, begin: int, new: bytes) -> bytes:
    return data[:begin] + new[: len(data) - begin] + data[begin + len(new) :]


def _anywhere(data: bytes, rng: np.random.Generator, length: int) -> int:
    return int(rng.integers(600, max(601, len(data) - length)))


JPEG_DAMAGE: dict[str, Damage] = {
    'cut off': lambda data, rng: data[: int(rng.integers(1, len(data) - 1))],
    'empty': lambda data, rng: b'',
    'start overwritten by zeros': lambda data, rng: _overwrite(data, 0, bytes(512)),
    'start overwritten by noise': lambda data, rng: _overwrite(data, 2, rng.bytes(300)),
    'another file': lambda data, rng: b'<html>404 Not Found</html>' * int(rng.integers(1, 50)),
    'a block of noise': lambda data, rng: _overwrite(
        data, _anywhere(data, rng, 4096), rng.bytes(4096)
    ),
    'a block of zeros': lambda data, rng: _overwrite(data, _anywhere(data, rng, 4096), bytes(4096)),
    'a block missing': lambda data, rng: (
        (at := _anywhere(data, rng, 512)) and data[:at] + data[at + 512 :]
    ),
    'one bit': lambda data, rng: _overwrite(
        data,
        (at := int(rng.integers(2, len(data)))),
        bytes([data[at] ^ (1 << int(rng.integers(8)))]),
    ),
}
CERTAIN = tuple(kind for kind in JPEG_DAMAGE if kind != 'one bit')
"""Damage that must be noticed. One wrong bit mostly leaves a good JPEG, of another picture."""


def fuzz_annotations(root: Path, number: int, seed: int, pipeline: list[Any]) -> Counter[str]:
    """Outcomes of ``number`` damaged copies of the annotation file of a small data set."""
    outcomes: Counter[str] = Counter()
    whole = (root / ANNOTATIONS).read_bytes()
    rng = np.random.default_rng(seed)
    path = root / 'damaged.txt'
    for index in range(number):
        path.write_bytes(damage_text(whole, rng))
        try:
            dataset = _dataset(root, 'damaged.txt', pipeline)
            with seeded(seed, index):
                dataset[int(rng.integers(len(dataset)))]
            outcomes['accepted'] += 1
        except UserError as error:
            outcomes['refused in one sentence' if _is_sentence(error) else 'traceback'] += 1
        except Exception as error:
            outcomes[f'traceback: {type(error).__name__}: {error}'[:100]] += 1
    return outcomes


def damage_jpegs(root: Path, number: int, seed: int) -> Iterator[tuple[str, Path]]:
    """Put ``number`` damaged images into the small data set, each beside a whole one."""
    rng = np.random.default_rng(seed)
    records = parse_wider_annotations(root / ANNOTATIONS)
    lines = []
    for index in range(number):
        record = records[index % len(records)]
        kind = list(JPEG_DAMAGE)[index % len(JPEG_DAMAGE)]
        data = (root / IMAGES / record.name).read_bytes()
        path = root / IMAGES / '99--Damaged' / f'{index}.jpg'
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(JPEG_DAMAGE[kind](data, rng))
        for name in (f'99--Damaged/{index}.jpg', record.name.replace('.jpg', f'_{index}.jpg')):
            lines += [name, '1', '5 5 30 30 0 0 0 0 0 0']
        (root / IMAGES / record.name.replace('.jpg', f'_{index}.jpg')).write_bytes(data)
        yield kind, path
    (root / 'mixed.txt').write_text('\n'.join(lines))


def count_damaged(
    root: Path, number: int, seed: int, pipeline: list[Any]
) -> Counter[tuple[str, str]]:
    """(kind of damage, outcome) of damaged JPEGs; the data set must skip what cannot be read, no more."""
    outcomes: Counter[tuple[str, str]] = Counter()
    bad = set()
    for kind, path in damage_jpegs(root, number, seed):
        try:
            read_image(path, strict=True)
            outcomes[kind, 'decoded'] += 1
        except DamagedImageError as error:
            bad.add(str(path))
            outcomes[kind, 'refused in one sentence' if _is_sentence(error) else 'traceback'] += 1
        except Exception as error:
            outcomes[kind, f'traceback: {type(error).__name__}: {error}'[:100]] += 1
    dataset = _dataset(root, 'mixed.txt', pipeline)
    skipped: set[str] = set()
    for index in range(len(dataset)):
        with seeded(seed, index):
            skipped.update(dataset[index]['data_samples'].skipped)
    outcomes['all', 'skipped in training and counted'] = len(skipped & bad)
    outcomes['all', 'bad but not counted, or counted but good'] = len(skipped ^ bad)
    return outcomes


def _is_sentence(error: Exception) -> bool:
    return '\n' not in str(error) and len(str(error)) < 1000


def _dataset(root: Path, annotations: str, pipeline: list[Any]) -> WiderFaceDataset:
    return WiderFaceDataset(
        data_root=str(root), ann_file=annotations, data_prefix=dict(img=IMAGES), pipeline=pipeline
    )


def small_copy(source: Path, target: Path, number: int) -> Path:
    """The first ``number`` training images of a data set, with their annotations."""
    records = parse_wider_annotations(source / ANNOTATIONS)[:number]
    (target / 'wider_face_split').mkdir(parents=True)
    lines = []
    for record in records:
        place = target / IMAGES / record.name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / IMAGES / record.name, place)
        lines += [record.name, str(len(record.boxes))]
        sizes = np.hstack([record.boxes[:, :2], record.boxes[:, 2:] - record.boxes[:, :2]])
        for box, attributes in zip(sizes.astype(int), record.attributes):
            lines.append(' '.join(map(str, [*box, *attributes])))
    (target / ANNOTATIONS).write_text('\n'.join(lines) + '\n')
    return target


def training_pipeline() -> list[Any]:
    """The pipeline of the paper's configs."""
    init_default_scope('mmdet')
    return load_config('paper/bfbox_subnet_wider_face').train_dataloader.dataset.pipeline


@exit_on_user_error
def main() -> None:
    """Damage and count."""
    parser = new_parser(__doc__)
    parser.add_argument('--data', type=Path, required=True, help='folder in WIDER FACE layout')
    parser.add_argument('--annotations', type=int, default=2000, help='damaged annotation files')
    parser.add_argument('--jpegs', type=int, default=500, help='damaged images')
    parser.add_argument('--seed', type=int, default=0, help='seed of the damage')
    args = parser.parse_args()
    if not (args.data / LAYOUT[0]).is_dir():
        raise UserError(f'{args.data} has no {LAYOUT[0]}; give a folder in WIDER FACE layout')
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as temporary:
        root = small_copy(args.data, Path(temporary) / 'small', 8)
        texts = fuzz_annotations(root, args.annotations, args.seed, training_pipeline())
        print(f'{args.annotations} damaged annotation files')
        for outcome, count in sorted(texts.items()):
            print(f'{count:6d}  {outcome}')
        jpegs = count_damaged(root, args.jpegs, args.seed, training_pipeline())
        print(f'{args.jpegs} damaged JPEGs')
        for (kind, outcome), count in sorted(jpegs.items()):
            print(f'{count:6d}  {kind}: {outcome}')
    names = [*texts, *(outcome for _, outcome in jpegs)]
    sys.exit(any(name.startswith('traceback') for name in names))


if __name__ == '__main__':
    main()
