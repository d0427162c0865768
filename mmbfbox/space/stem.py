"""What comes before the first stage of a backbone, as a list of convolutions."""

from __future__ import annotations

from dataclasses import dataclass

from mmbfbox.errors import UserError
from mmbfbox.space.blocks import Conv, chain_macs


@dataclass(frozen=True)
class Stem:
    """Two steps of stride 2, so stride 4 in all. The defaults are ResNet's, which the paper has.

    Args:
        channels: channels after it.
        kernel: side of the first convolution.
        down: the second step: ``'pool'``, a 3x3 max-pool, or ``'conv'``, a 3x3 convolution.

    Raises:
        UserError: a key is out of range.

    Example:
        >>> [conv.kernel for conv in Stem(16, 3, 'conv').convs]
        [(3, 3), (3, 3)]
    """

    channels: int
    kernel: int = 7
    down: str = 'pool'

    def __post_init__(self) -> None:
        if self.channels < 1 or self.kernel < 1 or not self.kernel % 2:
            raise UserError(
                f'stem_channels is {self.channels} and stem_kernel {self.kernel}; set them to at '
                f'least 1, the kernel to an odd number'
            )
        if self.down not in ('pool', 'conv'):
            raise UserError(f"stem_down is {self.down!r}; set it to 'pool' or 'conv'")

    @property
    def convs(self) -> tuple[Conv, ...]:
        """Its convolutions, each of stride 2."""
        first = Conv(3, self.channels, (self.kernel, self.kernel), stride=2)
        second = Conv(self.channels, self.channels, (3, 3), stride=2)
        return (first, second) if self.down == 'conv' else (first,)

    @property
    def params(self) -> int:
        """Number of parameters."""
        return sum(conv.params for conv in self.convs)

    def macs(self, height: int, width: int) -> int:
        """Multiply-adds for an image of ``height x width``."""
        return chain_macs(self.convs, (height, width))
