"""What the data sets of faces have in common."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from mmdet.datasets import BaseDetDataset
from mmengine.logging import print_log

from mmbfbox.datasets.transforms.loading import with_our_reader
from mmbfbox.errors import UserError
from mmbfbox.utils.images import DamagedImageError

_FEWEST_TO_GIVE_UP = 16


class FaceDataset(BaseDetDataset):
    """Images of faces, the only class, of which a damaged one does not end a long test.

    In test mode a small grey image stands in for an image that cannot be read at all: the log names it,
    its sample has the key ``unreadable``, and the metrics take it as an image without detections. That holds
    for the loading step that exported configs have, too, see :func:`with_our_reader`.
    """

    METAINFO = dict(classes=('face',), palette=[(0, 255, 0)])

    def __init__(self, *args: Any, pipeline: Sequence[Any] = (), **kwargs: Any) -> None:
        self._reported: set[str] = set()
        self._tested: set[int] = set()
        super().__init__(*args, pipeline=with_our_reader(pipeline), **kwargs)

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on image ``idx``.

        Raises:
            UserError: sixteen images, and most of those asked for, cannot be read.
        """
        if not self.test_mode:
            return super().prepare_data(idx)
        self._tested.add(idx)
        try:
            return self.pipeline(self.get_data_info(idx))
        except DamagedImageError as error:
            info = self.get_data_info(idx)
            self._report(info['img_path'], error, 'counts as an image without detections')
        bad = len(self._reported)
        if bad >= _FEWEST_TO_GIVE_UP and 2 * bad > len(self._tested):
            raise UserError(
                f'{bad} of {len(self._tested)} test images cannot be read, such as '
                f'{info["img_path"]}; unpack the data set again'
            )
        sample = self.pipeline(info | dict(unreadable=True))
        sample['data_samples'].set_metainfo(dict(unreadable=True, img_path=info['img_path']))
        return sample

    def _report(self, path: str, error: DamagedImageError, what: str) -> None:
        """Name a damaged image once."""
        if path not in self._reported:
            self._reported.add(path)
            print_log(f'{what}: {error}', logger='current', level=logging.WARNING)
