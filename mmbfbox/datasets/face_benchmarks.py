"""FDDB, AFW and PASCAL Face from their official files, for testing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmdet.registry import DATASETS

from mmbfbox.datasets.face_dataset import FaceDataset
from mmbfbox.errors import UserError
from mmbfbox.evaluation.face_eval.io import MATS, read_face_eval_annotations
from mmbfbox.evaluation.fddb.io import read_fddb_annotations

FOLDERS = ('originalPics', 'images', 'testimages', 'JPEGImages', '')
"""Where below ``data_root`` images may be: FDDB, any, AFW, PASCAL, or there directly."""
SUFFIXES = ('.jpg', '.jpeg', '.png')


@DATASETS.register_module()
class FaceBenchmarkDataset(FaceDataset):
    """The images of a benchmark that is only tested on; the only class is ``face``.

    ``data_root`` holds the annotations (``FDDB-folds``, or the mat of the face-eval toolbox) and the
    images, below one of ``originalPics``, ``images``, ``testimages``, ``JPEGImages`` or directly.
    A sample has ``img_id``, the image's name in the annotations without suffix, and ``img_path``.

    Args:
        benchmark: ``'fddb'``, ``'afw'`` or ``'pascal'``.
        **kwargs: as in ``BaseDetDataset``.

    Raises:
        UserError: the benchmark is another one, or annotations or images are missing.
    """

    def __init__(self, *args: Any, benchmark: str, **kwargs: Any) -> None:
        if benchmark != 'fddb' and benchmark not in MATS:
            raise UserError(f'the benchmark is {benchmark!r}; take one of {("fddb", *MATS)}')
        self.benchmark = benchmark
        super().__init__(*args, test_mode=True, **kwargs)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Names from the annotations, each with its image."""
        root = Path(self.data_root)
        if self.benchmark == 'fddb':
            names = list(read_fddb_annotations(root))
        else:
            names = list(read_face_eval_annotations(root, self.benchmark)[0])
        folder, suffix = _where(root, names[0])
        paths = {name: folder / f'{name}{suffix}' for name in names}
        missing = [path for path in paths.values() if not path.is_file()]
        if missing:
            raise UserError(
                f'{folder} lacks {len(missing)} of the {len(names)} images of {self.benchmark} (the '
                f'first is {missing[0]}); unpack the official images there'
            )
        return [dict(img_id=name, img_path=str(path), instances=[]) for name, path in paths.items()]


def _where(root: Path, name: str) -> tuple[Path, str]:
    """Folder and suffix of the images, found by the first one."""
    for folder in FOLDERS:
        for suffix in SUFFIXES:
            if (root / folder / f'{name}{suffix}').is_file():
                return root / folder, suffix
    raise UserError(
        f'{root} has no image {name}.jpg, neither directly nor below '
        f'{", ".join(filter(None, FOLDERS))}; unpack the official images there'
    )
