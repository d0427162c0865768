"""Fixtures that the tests of the command lines share."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmbfbox.datasets.demo.make import make_demo_data


@pytest.fixture(scope='session')
def data(tmp_path_factory) -> Path:
    """A small data set in WIDER layout."""
    folder = tmp_path_factory.mktemp('data') / 'wider'
    make_demo_data(folder, seed=0, train=40, val=10, size=128)
    return folder
