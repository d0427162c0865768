"""Names that the search's parts had before."""

from __future__ import annotations

import pytest

import mmbfbox.search
from mmbfbox.search.samplers import RegularizedEvolutionSampler, build_sampler
from tests.search.fake_search import SPACE


@pytest.mark.parametrize('old', sorted(mmbfbox.search.RENAMED))
def test_an_old_name_gives_the_new_thing_with_one_line_of_notice(old: str) -> None:
    new = mmbfbox.search.RENAMED[old]
    with pytest.warns(FutureWarning, match=rf'search.{old} is mmbfbox.search.{new} now') as told:
        found = getattr(mmbfbox.search, old)
    assert found is getattr(mmbfbox.search, new) and len(told) == 1


def test_a_name_that_never_was_is_none() -> None:
    with pytest.raises(ImportError):
        from mmbfbox.search import Nonsense  # noqa: F401


def test_an_old_type_of_a_sampler_works_with_one_line_of_notice() -> None:
    with pytest.warns(FutureWarning, match="'ageing' is 'regularized_evolution' now") as told:
        sampler = build_sampler(dict(type='ageing', batch=3), SPACE, 0, 'hard')
    assert isinstance(sampler, RegularizedEvolutionSampler) and sampler.batch == 3
    assert len(told) == 1
