"""What a report says of how far scores can be trusted, and that it shows the denoised score."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.search.denoising import ranked
from mmbfbox.search.report import table, write_report
from mmbfbox.search.report.source import read_findings
from mmbfbox.search.report.trust import trust_sentences
from tests.fixtures_search import fake_search
from tests.search.report.test_report import data_of


def noisy_search(folder: Path, noise: float, number: int = 60) -> list[Candidate]:
    """The fake search, each candidate scored on halves and resamples of the images, too."""
    random = np.random.default_rng(0)
    written = []
    for candidate in fake_search(folder, number):
        scores = dict(candidate.scores)
        for name in ('easy', 'medium', 'hard'):
            even, odd = scores[name] + random.normal(scale=noise, size=2)
            scores |= {
                name: (even + odd) / 2, f'{name}_even': even, f'{name}_odd': odd,
                f'{name}_error': noise / 2**0.5,
            }  # fmt: skip
        written.append(replace(candidate, scores=scores, proxies=dict(naswot=float(len(written)))))
    (folder / 'candidates.jsonl').write_text(''.join(c.to_json() + '\n' for c in written))
    return written


def test_the_page_shows_denoised_scores_errors_and_what_they_mean(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(Axes, 'errorbar', lambda self, x, y, **keys: drawn.append(keys['yerr']))
    written = noisy_search(tmp_path, noise=0.1)
    data = data_of(write_report(tmp_path))
    assert data['metric'] == 'denoised hard'
    assert data['subsets'] == ['easy', 'medium', 'hard', 'denoised hard']
    assert np.std(data['scores']['denoised hard']) < np.std(data['scores']['hard'])
    best = max(range(60), key=lambda place: data['scores']['denoised hard'][place])
    assert data['best'][0]['place'] == best
    assert data['errors']['hard'] == [7.071] * 60 and 'denoised hard' not in data['errors']
    assert data['proxies']['naswot'][:3] == [0, 1, 2]
    assert drawn and drawn[0][0] == pytest.approx(7.071, abs=0.001)
    assert data['said'][-1].startswith('Warning: ') and 'too few to rank' in data['said'][-1]
    order = ranked(written, 'hard')
    assert order[0].index == data['index'][best]
    first = table(order, 3).splitlines()
    assert first[0].startswith('| rank | candidate | denoised hard | easy | medium | hard |')
    assert '± 7.07' in first[2]


def test_reliable_scores_bring_no_warning_and_raw_ones_nothing_at_all(tmp_path):
    noisy_search(tmp_path / 'a', noise=0.001)
    findings = read_findings(tmp_path / 'a')
    said = trust_sentences(findings.scored, findings.search)
    assert len(said) == 3 and 'Warning' not in ''.join(said)
    fake_search(tmp_path / 'b', 30)
    data = data_of(write_report(tmp_path / 'b'))
    assert data['said'] == [] and data['errors'] == {} and data['metric'] == 'hard'
