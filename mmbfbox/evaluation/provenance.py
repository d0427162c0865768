"""How predictions were made, kept beside them: numbers of different test schemes do not compare."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

from mmbfbox.artifacts.test_settings import TestSettings
from mmbfbox.errors import UserError


def read_test_settings(predictions: Mapping[str, Path]) -> dict[str, TestSettings]:
    """The settings of each detector that tells them.

    Args:
        predictions: for each detector the folder of its predictions, or their one file.

    Warns:
        UserWarning: a file of settings cannot be read.
    """
    found = {}
    for name, path in predictions.items():
        try:
            settings = TestSettings.beside(path)
        except UserError as error:
            warnings.warn(f'{name}: {error}', UserWarning, stacklevel=2)
            continue
        if settings is not None:
            found[name] = settings
    return found


def warn_of_different_schemes(settings: Mapping[str, TestSettings]) -> None:
    """Compare the settings of all detectors with those of the first.

    Warns:
        UserWarning: they are not all the same.
    """
    if not settings:
        return
    first, *others = settings.values()
    names = {name: None for other in others for name in first.differences(other)}
    values = [name for name in names if name not in ('scheme', 'tta')]
    if names:
        told = '; '.join(
            ', '.join([f'{name}: {own}', *(f'{key} {getattr(own, key)}' for key in values)])
            for name, own in settings.items()
        )
        warnings.warn(
            f'the detectors were tested differently ({told}), so their numbers do not compare',
            UserWarning,
            stacklevel=2,
        )
