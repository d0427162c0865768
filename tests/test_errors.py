"""What goes wrong around a program, and not in it, is one sentence; what goes wrong in it stays findable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mmbfbox.errors import exit_on_user_error

FAR_TOO_MUCH, MORE_THAN_CAN_BE = 10**14, 10**18


def said(capsys, program) -> str:
    """The one sentence that a program ends with."""
    with pytest.raises(SystemExit) as stop:
        exit_on_user_error(program)()
    (line,) = capsys.readouterr().err.splitlines()
    assert stop.value.code == 1 and line.startswith('error: ')
    return line


def test_files_and_folders_that_cannot_be_used_are_named(capsys, tmp_path):
    def read_folder() -> None:
        Path(tmp_path).read_text()

    assert f'{tmp_path}: Is a directory' in said(capsys, read_folder)

    def read_nothing() -> None:
        open(tmp_path / 'weights.pth')  # noqa: SIM115

    assert 'weights.pth: No such file or directory' in said(capsys, read_nothing)

    def read_text_as_a_name() -> None:
        Path('a line\n' * 1000).stat()

    assert len(said(capsys, read_text_as_a_name)) < 500


@pytest.mark.parametrize('much', [FAR_TOO_MUCH, MORE_THAN_CAN_BE])
@pytest.mark.parametrize('ask', [np.zeros, torch.empty])
def test_more_memory_than_there_is_is_one_sentence(capsys, ask, much):
    assert 'not enough memory' in said(capsys, lambda: ask((much, 3, 3)))


@pytest.mark.parametrize('error', [OSError('no file'), RuntimeError('a fault'), KeyError('x')])
def test_errors_of_a_program_keep_their_traceback(error):
    def program() -> None:
        raise error

    with pytest.raises(type(error)):
        exit_on_user_error(program)()
