"""What tests of the fast scorer share; ``config``, that of a search, is each file's own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from mmdet.registry import MODELS

from mmbfbox.utils.quiet import build_quietly


@pytest.fixture(scope='module')
def model(config: Any) -> Any:
    """The supernet of the search, with random weights."""
    torch.manual_seed(0)
    model = build_quietly(lambda: MODELS.build(config.model))
    build_quietly(model.init_weights)
    return model
