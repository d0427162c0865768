"""Subnets of a supernet as detectors: their weights with batch norm recalibrated, as a search scores them."""

from __future__ import annotations

from collections.abc import Mapping

from mmengine import Config
from torch import Tensor

from mmbfbox.errors import UserError
from mmbfbox.search.scoring.reference import ReferenceScorer
from mmbfbox.space import Arch
from mmbfbox.utils.data_root import face_category_of, set_data_root


class Recalibrator:
    """Gives the weights of a subnet, its batch norm recalibrated; :func:`mmbfbox.export.subnet` takes it.

    Args:
        config: config with ``recalibration_dataloader``, a fixed list of training images.
        data_root: folder of these images. Defaults to the data root of the supernet's config.
        device: where to compute. Defaults to the device that mmengine finds.
        face_category: which category of COCO annotations is the face. Defaults to the supernet's.

    Raises:
        UserError: the config has no such images.
    """

    def __init__(
        self,
        config: Config,
        data_root: str | None = None,
        device: str | None = None,
        face_category: str | None = None,
    ) -> None:
        if config.get('recalibration_dataloader') is None:
            raise UserError(
                'the config has no recalibration_dataloader, the images that batch norm of a subnet is '
                'recalibrated with; inherit from a search config like '
                'configs/paper/bfbox_search_wider_face.py'
            )
        self._config = Config(config.to_dict())
        # The scorer is only asked for the subnet: images to score on are not looked at.
        self._config.held_out_dataloader = self._config.recalibration_dataloader
        self._config.held_out_evaluator = dict(type='WiderFaceMetric')
        self._data_root, self._device, self._category = data_root, device, face_category

    def __call__(
        self, supernet: Config, state: Mapping[str, Tensor], arch: Arch
    ) -> dict[str, Tensor]:
        """State dict of the subnet.

        Args:
            supernet: config of the supernet.
            state: its state dict.
            arch: an arch of its space.

        Raises:
            UserError: the folder of the images lacks a part.
            ScoreError: weights or activations of the subnet are not finite.
        """
        config = Config(self._config.to_dict())
        root = self._data_root or supernet.get('data_root')
        if root and root != config.get('data_root'):
            set_data_root(config, root, self._category or face_category_of(supernet))
        config.model = supernet.model
        scorer = ReferenceScorer(config, dict(state), self._device)
        found: dict[str, Tensor] = scorer.subnet(arch).state_dict()
        return found
