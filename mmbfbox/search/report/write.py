"""Writing the report of a search, finished or running."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmbfbox.artifacts.arch import ArchFile
from mmbfbox.artifacts.attention import ATTENTION_FILE, Attention
from mmbfbox.errors import UserError
from mmbfbox.search.denoising import ranked
from mmbfbox.search.finalists.standings import Standings
from mmbfbox.search.report.figures import write_figures
from mmbfbox.search.report.finalists import page_of
from mmbfbox.search.report.finalists_figure import FIGURE, draw_finalists
from mmbfbox.search.report.page_data import page_data
from mmbfbox.search.report.source import read_findings
from mmbfbox.search.report.verdict import page_of as verdict_page
from mmbfbox.search.report.verdict import verdict_of
from mmbfbox.utils.files import atomic_write
from mmbfbox.utils.page import render_page

PAGE = 'search_report.html'
BEST = 20
"""Rows of the table of the best candidates."""

_FILES = Path(__file__).parent / 'page'
_SCRIPTS = ('dom.js', 'plots.js', 'arch.js', 'verdict.js', 'finalists.js', 'page.js')


def write_report(
    work_dir: str | Path, supernet: str | Path | None = None, best: int = BEST
) -> Path:
    """Write ``search_report.html`` and its figures into a search's work dir, at any time.

    ``tools/search.py`` ends with this, and ``tools/search_report.py`` calls it for a search that still
    runs: nothing in the work dir is changed but the report's own files. They are the page,
    ``score_vs_macs.png``, ``score_over_candidates.png``, ``choice_effects.png``, ``edge_effects.png``,
    and ``archs/<candidate>.json`` for the best ones, which the export commands of the page read.
    Mean attention is shown if ``attention.json`` is there, finalists as far as they are trained, and
    what a pool of trained networks says of scores if the search has its space.

    Args:
        work_dir: work dir of the search.
        supernet: checkpoint of the supernet, for the export commands; a placeholder without it.
        best: how many of the best candidates the table shows.

    Returns:
        Path of the page.

    Raises:
        UserError: there is no search in the work dir, or nothing is scored yet.
    """
    work_dir = Path(work_dir)
    findings = read_findings(work_dir)
    candidates = findings.scored
    if not candidates:
        raise UserError(f'no candidate is scored in {work_dir} yet; ask for the report later')
    metric = findings.search.metric
    path = work_dir / ATTENTION_FILE
    attention = Attention.read(path) if path.exists() else None
    ordered = ranked(candidates, metric)
    # With their denoised scores.
    candidates = sorted(ordered, key=lambda candidate: candidate.index)
    findings = replace(findings, scored=candidates)
    places = {candidate.index: place for place, candidate in enumerate(candidates)}
    commands = {}
    for candidate in ordered[:best]:
        arch = work_dir / 'archs' / f'{candidate.index:05d}.json'
        arch_json = ArchFile(findings.search.space, **candidate.arch.to_dict()).to_json()
        with atomic_write(arch) as path:
            path.write_text(arch_json + '\n')
        out = work_dir / 'exported' / arch.stem
        words = ['tools/export_subnet.py', arch, supernet or 'SUPERNET.pth', '--out', out]
        commands[places[candidate.index]] = shlex.join(['python', *map(str, words)])
    data = page_data(findings, attention, commands)
    write_figures(work_dir, candidates, metric)
    standings = Standings.read(work_dir)
    if standings is not None and standings.results:
        data['finalists'] = page_of(standings)
        draw_finalists(standings, work_dir / FIGURE)
    verdict = verdict_of(findings.search.space)
    if verdict is not None:
        data['verdict'] = verdict_page(verdict)
    with atomic_write(work_dir / PAGE) as path:
        path.write_text(render(data), encoding='utf-8')
    return work_dir / PAGE


def render(data: Mapping[str, Any]) -> str:
    """The page as one file that needs no other."""
    return render_page('Search report', _FILES, _SCRIPTS, data)
