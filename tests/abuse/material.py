"""What cases are made from: small folders that the real tools have written, once for a run of the harness."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from scipy.io import savemat

from mmbfbox.evaluation.face_eval.io import MATS, write_face_eval_detections
from mmbfbox.evaluation.fddb.io import write_fddb_detections
from mmbfbox.evaluation.wider.ground_truth import WiderGroundTruth
from mmbfbox.evaluation.wider.io import write_wider_predictions
from tests.abuse.case import ROOT
from tests.abuse.client import Client

BASELINE, SUPERNET, SEARCH = (
    f'demo/{name}'
    for name in ('retinanet_r18_fpn_demo', 'bfbox_supernet_demo', 'bfbox_search_demo')
)
LOADERS = ('train_dataloader', 'held_out_dataloader', 'recalibration_dataloader')
SHORT = {
    'train_cfg.max_iters': 2,
    'train_dataloader.batch_size': 2,
    'train_dataloader.num_workers': 0,
    'test_dataloader.num_workers': 0,
    'val_dataloader.num_workers': 0,
    'default_hooks.checkpoint.interval': 1,
    **{f'{loader}.dataset.held_out': 8 for loader in LOADERS},
    **{f'{loader}.dataset.recalibration': 4 for loader in LOADERS},
}
"""What makes a run take a second or two; a supernet has no validation."""


def short_options(config: str, without: Iterable[str] = ()) -> list[str]:
    """``KEY=VALUE`` for a short run, but for keys that a case sets itself, or that the config lacks."""
    left_out = ('val_',) if config != BASELINE else ()
    keys = [key for key in SHORT if not key.startswith(left_out)]
    more = [] if config == BASELINE else ['supernet_check=None']
    return [
        *(f'{key}={SHORT[key]}' for key in keys if not any(_overlap(key, own) for own in without)),
        *more,
    ]


def _overlap(key: str, other: str) -> bool:
    return f'{key}.'.startswith(f'{other}.') or f'{other}.'.startswith(f'{key}.')


class Material:
    """Prepared folders, made when they are first asked for.

    Args:
        client: runs the tools.
        folder: where they are made.
    """

    def __init__(self, client: Client, folder: Path) -> None:
        self.client = client
        self.root = folder

    def faces(self) -> Path:
        """Images in WIDER layout in ``data``, and predictions and annotations of every benchmark."""
        folder = self.root / 'faces'
        if not folder.exists():
            folder.mkdir(parents=True)
            self._run(
                folder, 'make_demo_data', '--out', 'data', '--train', 24, '--val', 6, '--size', 128
            )
            _write_benchmarks(folder)
        return folder

    def chain(self) -> Path:
        """Also what a training, a search, an export and a test have left."""
        folder = self.root / 'chain'
        if not folder.exists():
            shutil.copytree(self.faces(), folder)
            data, weights = ('--data-root', 'data'), 'supernet/iter_2.pth'
            for config, name in ((SUPERNET, 'supernet'), (BASELINE, 'baseline')):
                options = ['--cfg-options', *short_options(config)]
                self._run(folder, 'train', config, '--work-dir', name, *data, *options)
            self._run(folder, *search_command(weights, 3))
            self._run(
                folder, 'export_subnet', 'search/best/01.json', weights, '--out', 'best', *data
            )
            results = ('--work-dir', 'test', '--out-dir', 'detections')
            options = ['--cfg-options', 'test_dataloader.num_workers=0']
            checkpoint = 'baseline/iter_2.pth'
            self._run(folder, 'test', BASELINE, checkpoint, *results, *data, *options)
        return folder

    def _run(self, folder: Path, tool: str, *arguments: object) -> None:
        script = ROOT / 'tools' / f'{tool}.py'
        outcome = self.client.run(script, [str(word) for word in arguments], folder)
        if outcome.status != 0:
            shutil.rmtree(folder)
            raise RuntimeError(
                f'{tool} {arguments} failed before anything was damaged: {outcome.stderr}'
            )


def search_command(supernet: str, candidates: int) -> list[str]:
    """The tool and the arguments of the material's search."""
    options = [option for option in short_options(SEARCH) if '_dataloader.dataset' in option]
    return [
        *('search', SEARCH, supernet, '--work-dir', 'search', '--data-root', 'data'),
        *('--candidates', str(candidates), '--cfg-options', 'search.metric=hard', *options),
    ]


def _write_benchmarks(folder: Path) -> None:
    """Predictions of the WIDER images, and both other benchmarks with the same faces."""
    truth = WiderGroundTruth.from_mats(folder / 'data/ground_truth')
    random = np.random.default_rng(0)
    scored, ellipses = {}, {}
    for name, boxes in zip(truth.names, truth.boxes, strict=True):
        near = boxes + random.normal(0, 1, boxes.shape)
        far = random.uniform(5, 60, (3, 4))
        rows = np.concatenate([near, far])
        scored[name] = np.column_stack([rows, random.uniform(0.1, 1, len(rows))])
        left, top, width, height = boxes.T
        radii = [height / 2, width / 2, np.zeros(len(boxes))]
        ellipses[name] = np.column_stack([*radii, left + width / 2, top + height / 2])
    write_wider_predictions(folder / 'predictions', scored)
    _write_fddb(folder, scored, ellipses)
    corners = {name.replace('/', '_'): _corners(rows) for name, rows in scored.items()}
    write_face_eval_detections(folder / 'afw.txt', corners)
    savemat(folder / 'afw' / MATS['afw'], {'Annotations': _afw_record(truth)})


def _write_fddb(
    folder: Path, scored: dict[str, np.ndarray], ellipses: dict[str, np.ndarray]
) -> None:
    faces = {name: np.column_stack([rows, np.ones(len(rows))]) for name, rows in ellipses.items()}
    folds = folder / 'fddb/FDDB-folds'
    names = list(faces)
    for number, part in ((1, names[::2]), (2, names[1::2])):
        path = folds / f'FDDB-fold-{number:02d}-ellipseList.txt'
        write_fddb_detections(path, {name: faces[name] for name in part})
    (folder / 'fddb/image_sizes.txt').write_text(''.join(f'{name} 128 128\n' for name in names))
    write_fddb_detections(folder / 'fddb.txt', scored)
    (folder / 'afw').mkdir()


def _corners(rows: np.ndarray) -> np.ndarray:
    return np.column_stack([rows[:, :2], rows[:, :2] + rows[:, 2:4], rows[:, 4]])


def _afw_record(truth: WiderGroundTruth) -> np.ndarray:
    record = np.empty((1, len(truth.names)), dtype=[('imgname', object), ('objects', object)])
    for index, (name, boxes) in enumerate(zip(truth.names, truth.boxes, strict=True)):
        flags: Sequence[np.ndarray] = (np.zeros(len(boxes)), np.zeros(len(boxes)))
        corners = np.column_stack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:], *flags])
        record[0, index] = (f'{name.replace("/", "_")}.jpg', corners)
    return record
