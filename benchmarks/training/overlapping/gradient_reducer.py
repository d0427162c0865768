"""Averaging over the ranks those gradients that a step has, and no others."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch import distributed as dist
from torch.autograd import Variable
from torch.nn import Parameter

from mmbfbox.engine.distributed.agreement import check_agreement
from mmbfbox.errors import UserError

MEBIBYTE = 2**20


@dataclass
class _Bucket:
    """Parameters whose gradients travel together, one after the other in ``flat``.

    Behind the gradients stands one number for each: the share of ranks that have it.
    """

    indices: list[int]
    waiting: set[int] = field(default_factory=set)
    flat: Tensor | None = None
    work: dist.Work | None = None


class GradientReducer:
    """Averages gradients over ranks during the backward pass.

    :meth:`arm` is told which parameters the forward pass used. Their gradients are copied into a few
    flat buckets in the reverse order of use, and each bucket is reduced as soon as it is complete, while
    the backward pass goes on. What arrives without having been announced, such as the gradients that
    earlier steps accumulated for other paths, follows at the end. A parameter without a gradient on any
    rank stays without one; where only some ranks have one, all get the average.

    Args:
        parameters: names and parameters that are trained.
        group: the ranks; None for all.
        bucket_mb: mebibytes of a bucket.
    """

    def __init__(
        self,
        parameters: Iterable[tuple[str, Parameter]],
        group: dist.ProcessGroup | None = None,
        bucket_mb: float = 16.0,
    ) -> None:
        named = [(name, parameter) for name, parameter in parameters if parameter.requires_grad]
        self._names = [name for name, _ in named]
        self._parameters = [parameter for _, parameter in named]
        self._index = {id(parameter): i for i, parameter in enumerate(self._parameters)}
        self._group = group
        self._world = dist.get_world_size(group)
        self._capacity = bucket_mb * MEBIBYTE
        self._touched: set[int] = set()
        self._buckets: list[_Bucket] = []
        self._bucket_of: dict[int, _Bucket] = {}
        self._next = 0
        self._armed = self._running = self._checks = False
        self.bytes_reduced = 0
        """Bytes that this rank has put into all-reduces so far."""
        for index, parameter in enumerate(self._parameters):
            # The hook is told its number: it fires for every parameter of every step.
            parameter.register_post_accumulate_grad_hook(functools.partial(self._arrived, index))

    def index_of(self, parameter: Parameter) -> int | None:
        """Number of a parameter; None if it is not trained."""
        return self._index.get(id(parameter))

    def arm(self, used: Sequence[int], check: bool) -> None:
        """Reduce in the next backward pass.

        Args:
            used: numbers of the parameters in the order of their use, each once.
            check: whether to make sure first that all ranks have the same gradients; nothing is
                reduced before the backward pass is over then.
        """
        self._buckets = list(self._split(reversed(used)))
        self._bucket_of = {index: b for b in self._buckets for index in b.indices}
        self._next, self._armed, self._running, self._checks = 0, True, False, check

    def _split(self, indices: Iterable[int]) -> Iterator[_Bucket]:
        """Fill buckets one after the other; each has one data type."""
        bucket, size = _Bucket([]), 0
        for index in indices:
            parameter = self._parameters[index]
            full = size + parameter.nbytes > self._capacity
            if bucket.indices and (
                full or parameter.dtype != self._parameters[bucket.indices[0]].dtype
            ):
                yield bucket
                bucket, size = _Bucket([]), 0
            bucket.indices.append(index)
            bucket.waiting.add(index)
            size += parameter.nbytes
        if bucket.indices:
            yield bucket

    def _arrived(self, index: int, parameter: Parameter) -> None:
        """A gradient is complete; called by autograd."""
        self._touched.add(index)
        if not self._armed:
            return
        if not self._running:
            self._running = True
            Variable._execution_engine.queue_callback(self._finish)
        bucket = self._bucket_of.get(index)
        if bucket is None:
            return
        bucket.waiting.discard(index)
        # In a fixed order: ranks whose gradients come in another order would mix up the buckets.
        while not self._checks and self._next < len(self._buckets):
            if self._buckets[self._next].waiting:
                break
            self._launch(self._buckets[self._next])
            self._next += 1

    def _launch(self, bucket: _Bucket) -> None:
        """Start the reduction of a bucket."""
        parameters = [self._parameters[index] for index in bucket.indices]
        size = sum(parameter.numel() for parameter in parameters)
        flat = parameters[0].new_empty(size + len(parameters))
        bucket.flat = flat
        present, grads = [], []
        for parameter, view in zip(parameters, self._views(bucket), strict=True):
            if parameter.grad is None:
                view.zero_()
            else:
                present.append(view)
                grads.append(parameter.grad)
        torch._foreach_copy_(present, grads)
        flat[size:] = 1.0
        if len(present) < len(parameters):
            flat[size:] = flat.new_tensor([float(p.grad is not None) for p in parameters])
        # Divided before the sum, so that half precision does not overflow.
        flat.div_(self._world)
        self.bytes_reduced += flat.nbytes
        bucket.work = dist.all_reduce(flat, group=self._group, async_op=True)

    def _views(self, bucket: _Bucket) -> list[Tensor]:
        """The gradients' places in the flat buffer."""
        views, start = [], 0
        for index in bucket.indices:
            parameter = self._parameters[index]
            views.append(bucket.flat[start : start + parameter.numel()].view(parameter.shape))
            start += parameter.numel()
        return views

    def _finish(self) -> None:
        """Reduce what is left and put the averages in place; called when the backward pass is over."""
        self._armed = False
        announced = self._bucket_of.keys()
        late = [
            index
            for index in sorted(self._touched - announced)
            if self._parameters[index].grad is not None
        ]
        self._touched.clear()
        self._buckets += self._split(late)
        if self._checks:
            self._check()
        for bucket in self._buckets[self._next :]:
            self._launch(bucket)
        for bucket in self._buckets:
            bucket.work.wait()
            self._collect(bucket)
        self._buckets, self._bucket_of = [], {}

    def _collect(self, bucket: _Bucket) -> None:
        """Write a bucket's averages into the gradients."""
        parameters = [self._parameters[index] for index in bucket.indices]
        pairs = list(zip(parameters, self._views(bucket), strict=True))
        present = [
            (parameter.grad, view) for parameter, view in pairs if parameter.grad is not None
        ]
        if present:
            torch._foreach_copy_(*map(list, zip(*present, strict=True)))
        if len(present) < len(pairs):
            # Waits for the device; only where a parameter that was used has no gradient here.
            shares = bucket.flat[-len(pairs) :].tolist()
            for (parameter, view), share in zip(pairs, shares, strict=True):
                if parameter.grad is None and share > 0:
                    parameter.grad = view.clone()

    def _check(self) -> None:
        """Compare the buckets with those of the other ranks."""
        lines = [self._names[index] for bucket in self._buckets for index in bucket.indices]
        try:
            check_agreement(
                'parameters that got a gradient',
                '\n'.join(lines),
                'give every rank the same config, the same seed and the same checkpoint',
                self._group,
                self._parameters[0].device,
            )
        except UserError:
            self._buckets, self._bucket_of = [], {}
            raise
