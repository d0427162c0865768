"""How predictions were made, kept beside them: numbers of different test schemes do not compare."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE = 'test_settings.json'


def read_test_settings(predictions: str | Path) -> dict[str, Any] | None:
    """The settings that ``tools/test.py`` wrote beside predictions, or None if it wrote none.

    Args:
        predictions: folder of the predictions, or their one file.
    """
    path = Path(predictions)
    path = (path if path.is_dir() else path.parent) / FILE
    try:
        settings = json.loads(path.read_text())['settings']
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return settings if isinstance(settings, dict) else None


def warn_of_different_schemes(predictions: Mapping[str, Path]) -> dict[str, str]:
    """The test scheme of each detector that tells it.

    Warns:
        UserWarning: they are not all the same.
    """
    found = {name: read_test_settings(path) for name, path in predictions.items()}
    schemes = {name: str(settings.get('scheme')) for name, settings in found.items() if settings}
    if len(set(schemes.values())) > 1:
        told = ', '.join(f'{name}: {scheme}' for name, scheme in schemes.items())
        warnings.warn(
            f'the detectors were tested differently ({told}), so their numbers do not compare',
            UserWarning,
            stacklevel=2,
        )
    return schemes
