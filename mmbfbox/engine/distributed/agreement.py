"""Making sure that all processes of a distributed run say the same."""

from __future__ import annotations

import hashlib

import torch
from torch import distributed as dist

from mmbfbox.errors import UserError


def check_agreement(
    what: str,
    text: str,
    advice: str,
    group: dist.ProcessGroup | None = None,
    device: torch.device | str = 'cpu',
) -> None:
    """Compare a text over the processes; each of them has to call this at the same point.

    Eight bytes travel from each process; the texts themselves only if these differ. The caller waits for
    the other processes and, on a GPU, for the device.

    Args:
        what: what the text is, for the message: ``'active path'``.
        text: this process's text.
        advice: what the user can do, the end of the message.
        group: the processes; None for all.
        device: where the process group's tensors live.

    Raises:
        UserError: the texts differ; raised on every process, with the first differing line of two.
    """
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    own = torch.tensor(int.from_bytes(digest, 'big', signed=True), device=device)
    numbers = [torch.zeros_like(own) for _ in range(dist.get_world_size(group))]
    dist.all_gather(numbers, own, group=group)
    digests = torch.stack(numbers).tolist()
    if len(set(digests)) == 1:
        return
    texts: list[str] = [''] * len(digests)
    dist.all_gather_object(texts, text, group=group)
    other = next(rank for rank, value in enumerate(digests) if value != digests[0])
    first, second = _difference(texts[0], texts[other])
    raise UserError(
        f'the processes of this run disagree on the {what}: rank 0 has {first}, rank {other} has '
        f'{second}; {advice}'
    )


def _difference(first: str, second: str) -> tuple[str, str]:
    """The first lines in which two texts differ, in quotes."""
    lines = first.splitlines(), second.splitlines()
    for pair in zip(*lines, strict=False):
        if pair[0] != pair[1]:
            return repr(pair[0]), repr(pair[1])
    return f'{len(lines[0])} lines', f'{len(lines[1])} lines'
