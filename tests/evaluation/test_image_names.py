"""Images of predictions and ground truth are compared before anything is counted."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from mmbfbox.errors import UserError
from mmbfbox.evaluation.image_names import check_image_names


def test_equal_names_pass_silently() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        check_image_names(['a', 'b'], ['b', 'a'], Path('here'))


def test_missing_and_unknown_images_are_counted_in_one_warning() -> None:
    with pytest.warns(UserWarning, match=r'here: 2 images have no.*a; 1 images are not.*z') as told:
        check_image_names(['c', 'z'], ['a', 'b', 'c'], Path('here'))
    assert len(told) == 1


def test_other_images_altogether_are_refused() -> None:
    with pytest.raises(UserError, match=r'here.*z\.jpg.*suffix'):
        check_image_names(['z.jpg'], ['z'], Path('here'))
