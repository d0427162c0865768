"""Fixtures of the data sets' tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmengine.registry import DefaultScope

from tests.datasets.small_wider import write_wider


@pytest.fixture
def mmdet_scope():
    with DefaultScope.overwrite_default_scope('mmdet'):
        yield


@pytest.fixture
def wider(tmp_path: Path, mmdet_scope) -> Path:
    """Root of a small WIDER FACE."""
    return write_wider(tmp_path / 'wider')
