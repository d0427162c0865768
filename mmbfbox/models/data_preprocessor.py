"""Images on their way to the device: one copy for a batch, which nothing waits for."""

from __future__ import annotations

from typing import Any

import torch
from mmdet.models import DetDataPreprocessor
from mmdet.registry import MODELS
from torch import Tensor

from mmbfbox.errors import UserError


@MODELS.register_module()
class FaceDataPreprocessor(DetDataPreprocessor):
    """mmdet's ``DetDataPreprocessor``, which training does not wait for.

    mmdet copies, reorders and normalises each image by itself, and each of these copies, and each index
    that reorders, makes the program wait until the GPU has done all it had to do before. Here training
    images of one size travel together through page-locked memory. The values are equal to the last bit.
    Everything else (testing, images of different sizes) is mmdet's. Arguments are those of mmdet's class,
    but ``non_blocking`` is True by default.
    """

    _channel_conversion: bool

    def __init__(self, *args: Any, non_blocking: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, non_blocking=non_blocking, **kwargs)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Normalise, reorder and pad a batch.

        Args:
            data: ``inputs``, a list of images ``(3, H, W)``, and ``data_samples``.
            training: whether the batch is one to train with.

        Returns:
            ``inputs`` ``(N, 3, H, W)`` float32 on the device, and ``data_samples``.

        Raises:
            UserError: there are no images.
        """
        if 'inputs' not in data:
            raise UserError(
                f'a batch has no images, only {", ".join(data)}: its pipeline does not decode them; put '
                'DecodeFaceImage before PackDetInputs, or leave decode=False of LoadFaceImage out'
            )
        images = data['inputs']
        if not training or not isinstance(images, (list, tuple)):
            return super().forward(data, training)
        if any(i.shape != images[0].shape or i.dtype != images[0].dtype for i in images):
            return super().forward(data, training)
        batch = self._on_device(images)
        reorder = self._channel_conversion
        if reorder:
            batch = batch.flip(1)
        self._channel_conversion = False
        try:
            return super().forward(dict(data, inputs=batch), training)
        finally:
            self._channel_conversion = reorder

    def _on_device(self, images: list[Tensor] | tuple[Tensor, ...]) -> Tensor:
        """The images (N, C, H, W), in one copy."""
        if images[0].device.type != 'cpu' or torch.device(self.device).type != 'cuda':
            return torch.stack(list(images)).to(self.device)
        shape = (len(images), *images[0].shape)
        locked = torch.empty(shape, dtype=images[0].dtype, pin_memory=True)
        return torch.stack(list(images), out=locked).to(self.device, non_blocking=True)
