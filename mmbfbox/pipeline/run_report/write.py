"""Writing the page of a training, or of several beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmbfbox.errors import UserError
from mmbfbox.pipeline.run_report.pictures import pictures_of
from mmbfbox.pipeline.run_report.source import Run, read_run, test_folder
from mmbfbox.utils.files import atomic_write
from mmbfbox.utils.page import render_page

PAGE = 'training_report.html'
_FILES = Path(__file__).parent / 'page'
_SCRIPTS = ('curves.js', 'runs.js')


def write_training_report(
    run: str | Path,
    test: str | Path | None = None,
    pictures: str | Path | None = None,
    out: str | Path | None = None,
) -> Path:
    """Write the page of one training, at any time after its first log; nothing else is changed.

    Args:
        run: work dir of the training, or a record of it.
        test: work dir of its test, see :func:`~mmbfbox.pipeline.run_report.source.read_run`.
        pictures: folder of ``tools/test.py --pictures``. Defaults to ``pictures`` in that of the test.
        out: the page. Defaults to ``training_report.html`` in the work dir.

    Returns:
        Path of the page.

    Raises:
        UserError: there is no training, or a record is damaged or of a newer version.
    """
    found, run = read_run(run, test), Path(run)
    folder = Path(pictures) if pictures else None
    if folder is None and run.is_dir():
        tested = test_folder(run, test)
        folder = tested / 'pictures' if tested else None
    elif folder is not None and not folder.is_dir():
        raise UserError(f'there is no folder {folder}; give that of tools/test.py --pictures')
    page = Path(out) if out else (run / PAGE if run.is_dir() else run.with_suffix('.html'))
    return _write(page, dict(runs=[found.to_plain()], pictures=pictures_of(folder)))


def write_comparison(runs: Sequence[str | Path | Run], out: str | Path) -> Path:
    """Write a page of several trainings: curves, scores, and the settings in which they differ.

    Args:
        runs: work dirs or records, see :func:`~mmbfbox.pipeline.run_report.source.read_run`, or what that
            has read; the latter have different names.
        out: the page.

    Returns:
        Path of the page.

    Raises:
        UserError: one is no training, or there are less than two.
    """
    if len(runs) < 2:
        raise UserError(f'{len(runs)} runs are given; give two or more to compare')
    found = [run if isinstance(run, Run) else read_run(run) for run in runs]
    plain = [run.to_plain() for run in found]
    for one, name in zip(plain, _names(runs, found), strict=True):
        one.update(name=name, config='')
    differences = _differences(found)
    for one in plain:
        one['settings'] = {key: one['settings'].get(key, '–') for key in differences}
    return _write(Path(out), dict(runs=plain, pictures=[]))


def _names(given: Sequence[str | Path | Run], runs: Sequence[Run]) -> list[str]:
    """Names that differ: with the folder above, where two runs are called the same."""
    names = [run.name for run in runs]
    return [
        name
        if names.count(name) == 1 or isinstance(one, Run)
        else f'{Path(one).resolve().parent.name}/{name}'
        for name, one in zip(names, given, strict=True)
    ]


def _differences(runs: Sequence[Run]) -> list[str]:
    """Keys of settings that not all runs have alike.

    A record holds no config, only what was changed in one: that is shown, the rest of it is not known.
    """
    whole = [run for run in runs if run.config]
    changed = {key for run in runs if not run.config for key in run.settings}
    keys = dict.fromkeys(key for run in runs for key in run.settings)
    # The folder of the data stands once, for all data sets.
    keys = {key: None for key in keys if not key.endswith('.data_root')}
    return [
        key for key in keys if key in changed or len({run.settings.get(key) for run in whole}) > 1
    ]


def _write(path: Path, data: dict[str, Any]) -> Path:
    with atomic_write(path) as temporary:
        temporary.write_text(
            render_page('Training report', _FILES, _SCRIPTS, data), encoding='utf-8'
        )
    return path
