"""Fixtures that all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures_models import supernet, supernet_config  # noqa: F401

SHARED_DATA = Path(__file__).resolve().parents[2] / 'shared' / 'data'


@pytest.fixture(scope='session')
def shared_data() -> Path:
    """Folder with real WIDER FACE, FDDB, AFW and PASCAL Face data."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f'real benchmark data is not at {SHARED_DATA}')
    return SHARED_DATA
