"""Writing files: whole or not at all, and one sentence where it cannot be."""

from __future__ import annotations

import pytest

from mmbfbox.errors import UserError
from mmbfbox.utils.files import atomic_write


def test_a_folder_in_the_place_of_a_file_is_named_and_left_alone(tmp_path):
    place = tmp_path / 'plan.json'
    place.mkdir()
    with (
        pytest.raises(UserError, match='plan.json is a folder, and a file is to be written there'),
        atomic_write(place) as temporary,
    ):
        temporary.write_text('{}')
    assert [*tmp_path.iterdir()] == [place]
