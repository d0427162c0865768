"""Fixtures that all tests share."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mmdet.registry import WEIGHT_INITIALIZERS
from mmengine.config import config as mmengines_config
from mmengine.runner.checkpoint import CheckpointLoader, load_from_local

from mmbfbox.engine import use_safe_loading
from tests.fixtures_models import any_supernet_config, supernet, supernet_config  # noqa: F401

SHARED_DATA = Path(__file__).resolve().parents[2] / 'shared' / 'data'


def spare_the_collector() -> None:
    """Let it look at what comes from now on: mmengine calls it for each data set."""
    gc.collect()
    gc.freeze()


def pytest_collection_finish() -> None:
    """After all imports."""
    spare_the_collector()


@pytest.fixture(scope='module', autouse=True)
def collector_of_a_module() -> Iterator[None]:
    """Imports, caches and configs of the tests of a module stay, too."""
    yield
    spare_the_collector()


LAYOUT = mmengines_config.FormatCode


@pytest.fixture(scope='session', autouse=True)
def without_layout() -> Iterator[None]:
    """Leave out what lays the text of a long config out; it takes nearly half of a training of two steps."""

    def layout(text: str, **keys: Any) -> Any:
        return LAYOUT(text, **keys) if len(text) < 1000 else (text, True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mmengines_config, 'FormatCode', layout)
        yield


@pytest.fixture
def with_layout(monkeypatch: Any) -> None:
    """Texts of configs as users get them."""
    monkeypatch.setattr(mmengines_config, 'FormatCode', LAYOUT)


@pytest.fixture(scope='session')
def shared_data() -> Path:
    """Folder with real WIDER FACE, FDDB, AFW and PASCAL Face data."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f'real benchmark data is not at {SHARED_DATA}')
    return SHARED_DATA


@pytest.fixture
def mmengines_own_loading(monkeypatch) -> Iterator[None]:
    """mmengine as it is before anybody asks for safe loading, on a torch that unpickles whatever comes.

    Other tests of the process may have asked.
    """
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
    CheckpointLoader.register_scheme('', load_from_local, force=True)
    WEIGHT_INITIALIZERS.module_dict.pop('Pretrained', None)
    yield
    use_safe_loading()
