"""Norms of configs."""

from __future__ import annotations

from typing import Any

from mmbfbox.errors import UserError


def check_groups(norm_cfg: dict[str, Any] | None, channels: int) -> None:
    """Refuse a GroupNorm whose groups do not divide the channels.

    Raises:
        UserError: they do not.
    """
    if norm_cfg is None or norm_cfg.get('type') != 'GN':
        return
    groups = norm_cfg.get('num_groups')
    if not isinstance(groups, int) or groups < 1 or channels % groups:
        raise UserError(
            f'norm_cfg asks for GroupNorm of {groups} groups, which cannot divide the {channels} channels '
            f'of a convolution; set num_groups to a divisor of every width that is normalised'
        )
