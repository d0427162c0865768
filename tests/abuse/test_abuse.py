"""A few dozen inputs that nobody means, each time; many more by ``make abuse``. And that the harness sees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import strategies as st

from tests.abuse.case import REFUSE, WORK, Case
from tests.abuse.client import Client
from tests.abuse.hunt import Hunt
from tests.abuse.keys import keys_of
from tests.abuse.material import SEARCH, SUPERNET, Material
from tests.abuse.report import save, summary
from tests.abuse.strategies import STRATEGIES
from tests.abuse.verdict import (
    CRASH,
    HALF,
    HANG,
    IGNORED,
    REFUSED,
    STRICT,
    TRACEBACK,
    UNCLEAR,
    WORKED,
)

NEED_A_CHAIN = ('work dirs', 'search settings')
EACH = 6
"""Cases of a strategy; with the start of the server that is a quarter of a minute."""


@pytest.fixture(scope='module')
def client(tmp_path_factory) -> Iterator[Client]:
    client = Client(tmp_path_factory.mktemp('logs'))
    yield client
    client.close()


@pytest.fixture(scope='module')
def material(client, tmp_path_factory) -> Material:
    return Material(client, tmp_path_factory.mktemp('material'))


@pytest.mark.parametrize('name', [name for name in STRATEGIES if name not in NEED_A_CHAIN])
def test_odd_inputs_end_in_a_result_or_in_one_sentence(name, client, material, tmp_path):
    hunt = Hunt(client, tmp_path / 'case', shrinks=3)
    faces = material.faces()
    hunt.go(name, STRATEGIES[name](faces), faces, EACH, 0)
    assert sum(hunt.counts[name].values()) >= EACH // 2
    assert not hunt.faults, f'{summary(hunt)}\n{save(hunt, Path("work_dirs/abuse"))}'


PROGRAMS = {
    WORKED: 'print("done")',
    REFUSED: 'import sys; print("error: no", file=sys.stderr); sys.exit(1)',
    TRACEBACK: 'raise KeyError("x")',
    CRASH: 'import ctypes; ctypes.string_at(0)',
    HANG: 'import time; time.sleep(600)',
    HALF: 'open(".a-12345678.json", "w").close()',
    UNCLEAR: 'import sys; print("error: a\\nerror: b", file=sys.stderr); sys.exit(1)',
}


@pytest.mark.parametrize('kind', PROGRAMS)
def test_every_way_to_end_has_its_verdict_and_the_server_goes_on(
    kind, client, tmp_path, monkeypatch
):
    if kind == HANG:
        monkeypatch.setattr(client, 'seconds', 1)
    assert judged(client, tmp_path, PROGRAMS[kind]).kind == kind
    assert judged(client, tmp_path, PROGRAMS[WORKED]).kind == WORKED


def test_a_number_that_json_does_not_have_is_half_written(client, tmp_path):
    assert judged(client, tmp_path, 'open("a.json", "w").write("NaN")').kind == HALF


def test_what_must_be_refused_may_not_work_and_the_other_way_round(client, tmp_path):
    assert judged(client, tmp_path, PROGRAMS[WORKED], REFUSE).kind == IGNORED
    assert judged(client, tmp_path, PROGRAMS[REFUSED], WORK).kind == STRICT


def test_a_fault_is_found_once_made_small_and_can_be_repeated(client, tmp_path):
    """Of all numbers from 10 on, which crash, the smallest is kept, in a file that repeats it."""
    path = program(tmp_path, 'import sys; int(sys.argv[1]) < 10 or 1 / 0')
    cases = st.integers(0, 99).map(lambda number: Case(str(path), (str(number),)))
    material = tmp_path / 'material'
    material.mkdir()
    hunt = Hunt(client, tmp_path / 'case', shrinks=30)
    hunt.go('numbers', cases, material, 20, 0)
    hunt.go('numbers', cases, material, 20, 1)
    ((name, found),) = hunt.faults.items()
    assert name.startswith('traceback: ZeroDivisionError') and found.times > 1
    assert found.case.arguments == ('10',)
    said = save(hunt, tmp_path / 'found')
    (saved,) = (tmp_path / 'found').glob('*.json')
    assert str(saved) in said
    verdict, _ = hunt.run(Case.from_json(saved.read_text()), material)
    assert str(verdict) == name


def test_keys_that_the_documents_name_are_found_where_a_config_has_their_part():
    supernet = {key.dotted: key for key in keys_of(SUPERNET) if key.documented}
    invalid = supernet['train_dataloader.dataset.invalid_faces']
    assert {'ignore', 'keep', 'drop'} <= set(invalid.known)
    assert any(key.endswith('.transforms.0.spare') for key in supernet)
    assert any(key.startswith('custom_hooks.') and key.endswith('.action') for key in supernet)
    assert 'fair' in next(supernet[key] for key in supernet if key.endswith('.sampling')).known
    search = {key.dotted for key in keys_of(SEARCH) if key.documented}
    assert {'search.scorer.precision', 'search.latency.repeats', 'search.sampler'} <= search


def program(folder: Path, text: str) -> Path:
    """A script."""
    path = folder / 'program.py'
    path.write_text(text)
    return path


def judged(client: Client, folder: Path, text: str, must: str = ''):
    """The verdict on a program that is run in an empty folder."""
    (folder / 'material').mkdir(exist_ok=True)
    hunt = Hunt(client, folder / 'case')
    return hunt.run(Case(str(program(folder, text)), (), must=must), folder / 'material')[0]
