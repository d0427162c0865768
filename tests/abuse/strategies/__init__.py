"""What is drawn at random: a strategy each for the kinds of input that people get wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hypothesis.strategies import SearchStrategy

from tests.abuse.case import Case
from tests.abuse.strategies.annotations import annotation_cases
from tests.abuse.strategies.configs import config_cases, search_setting_cases
from tests.abuse.strategies.images import image_cases
from tests.abuse.strategies.predictions import prediction_cases
from tests.abuse.strategies.work_dirs import work_dir_cases

STRATEGIES: dict[str, Callable[[Path], SearchStrategy[Case]]] = {
    'configs': config_cases,
    'annotations': annotation_cases,
    'predictions': prediction_cases,
    'images': image_cases,
    'work dirs': work_dir_cases,
    'search settings': search_setting_cases,
}
OF_CHAIN = ('configs', 'images', 'work dirs', 'search settings')
"""Those whose cases need trained networks; configs and images have a few that do not."""
