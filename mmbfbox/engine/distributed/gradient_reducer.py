"""Averaging over the processes those gradients that a step has, and no others."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import torch
from torch import Tensor
from torch import distributed as dist
from torch.nn import Parameter

from mmbfbox.engine.compat import call_after_backward
from mmbfbox.engine.distributed.agreement import check_agreement

PIECE = 16 * 2**20
"""Bytes of the gradients that are copied together."""


class GradientReducer:
    """Averages gradients over the processes at the end of a backward pass.

    The processes first tell each other which parameters have got a gradient since the last exchange, with
    one byte for each; then the gradients that any of them has got travel in a few pieces. A parameter
    without a gradient on any process stays without one; where only some processes have one, all get the
    average, to which the others add zeros.

    Args:
        parameters: names and parameters; those that are not trained are left out.
        group: the processes; None for all.
    """

    def __init__(
        self, parameters: Iterable[tuple[str, Parameter]], group: dist.ProcessGroup | None = None
    ) -> None:
        self._named = [(name, value) for name, value in parameters if value.requires_grad]
        self._group = group
        self._world = dist.get_world_size(group)
        self._armed = self._checks = False
        self._arrived: set[str] = set()
        self.bytes_reduced = 0
        """Bytes that this process has put into all-reduces so far."""
        for name, parameter in self._named:
            parameter.register_post_accumulate_grad_hook(partial(self._arrives, name))

    def arm(self, check: bool) -> None:
        """Average at the end of the next backward pass.

        Args:
            check: whether to make sure first that all processes have the same gradients.
        """
        self._armed, self._checks = True, check

    def _arrives(self, name: str, parameter: Tensor) -> None:
        """Called by autograd for each gradient; the first asks for a call when the pass is over."""
        self._arrived.add(name)
        if self._armed:
            self._armed = False
            call_after_backward(self._average)

    def _average(self) -> None:
        own = [name in self._arrived and value.grad is not None for name, value in self._named]
        self._arrived.clear()
        if self._checks:
            self._check(own)
        started = []
        for gradients in _pieces(self._shared(own)):
            # Divided before the sum, so that half precision does not overflow.
            flat = torch.cat([gradient.flatten() for gradient in gradients]).div_(self._world)
            started.append((gradients, flat, self._reduce(flat, dist.ReduceOp.SUM)))
        for gradients, flat, work in started:
            work.wait()
            parts = flat.split([gradient.numel() for gradient in gradients])
            for gradient, part in zip(gradients, parts, strict=True):
                gradient.copy_(part.view_as(gradient))

    def _shared(self, own: list[bool]) -> list[Parameter]:
        """Parameters of which any process has the gradient; waits for the device."""
        present = torch.tensor(own, dtype=torch.uint8, device=self._named[0][1].device)
        self._reduce(present, dist.ReduceOp.MAX).wait()
        return [value for (_, value), has in zip(self._named, present.tolist(), strict=True) if has]

    def _reduce(self, values: Tensor, operation: dist.ReduceOp.RedOpType) -> dist.Work:
        self.bytes_reduced += values.nbytes
        work = dist.all_reduce(values, operation, group=self._group, async_op=True)
        assert work is not None  # which it is only for processes outside of the group
        return work

    def _check(self, own: list[bool]) -> None:
        """Compare the names of the parameters that have a gradient."""
        names = [name for (name, _), has in zip(self._named, own, strict=True) if has]
        check_agreement(
            'parameters that got a gradient',
            '\n'.join(names),
            'give every process the same config, the same seed and the same checkpoint',
            self._group,
            self._named[0][1].device,
        )


def _pieces(parameters: Iterable[Parameter]) -> list[list[Tensor]]:
    """Gradients, zeros where there is none, in pieces of one data type and about 16 MiB.

    The pieces are copied while the first ones travel, into memory that the allocator has at hand.
    """
    pieces: list[list[Tensor]] = []
    size = 0
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        if not pieces or size > PIECE or pieces[-1][0].dtype != parameter.dtype:
            pieces.append([])
            size = 0
        pieces[-1].append(parameter.grad)
        size += parameter.grad.nbytes
    return pieces
