"""A search's work dir with made-up scores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.artifacts.plan import PLAN_FILE, Plan
from mmbfbox.artifacts.search import SEARCH_FILE, ImageList, SearchFile
from mmbfbox.search.scoring.build import complete_identity
from mmbfbox.space import BackboneSpace, CostTable, FpnSpace, JointSpace

SPACE = JointSpace(
    BackboneSpace(8, (16, 16, 24), (2, 1, 1), 1, ('conv3', 'dw5', 'dense2x32'), ('conv3', 'dw3')),
    FpnSpace((2, 3, 4), (2, 3)),
)
GOOD = 0.05
"""What ``dw5`` in the first slot adds to every score."""


def fake_candidates(number: int, space: JointSpace = SPACE) -> list[Candidate]:
    """Candidates whose score is noise, and ``GOOD`` more with dw5 in the first slot."""
    random = np.random.default_rng(0)
    costs = CostTable(space)
    result = []
    for place in range(number):
        # Every third proposal was rejected.
        index = place + place // 2
        arch = space.sample(0, index)
        hard = 0.3 + GOOD * (arch.stages[0][0] == 'dw5') + float(random.normal(0, 0.01))
        whole = costs.detector(arch)
        scores = dict(easy=hard / 2, medium=hard * 0.9, hard=hard)
        backbone = costs.backbone(arch.stages).macs
        result.append(Candidate(index, arch, scores, backbone, whole.macs, whole.params, 0.5))
    return result


def fake_search(folder: Path, number: int, space: JointSpace = SPACE) -> list[Candidate]:
    """Write the work dir of a search, and return its candidates."""
    folder.mkdir(parents=True, exist_ok=True)
    candidates = fake_candidates(number, space)
    lines = [candidate.to_json() + '\n' for candidate in candidates]
    (folder / 'candidates.jsonl').write_text(''.join(lines))
    identity(space).write(folder / SEARCH_FILE)
    rejected = candidates[-1].index + 1 - number if number else 0
    Plan(number + 10, number, dict(params=rejected)).write(folder / PLAN_FILE)
    return candidates


def identity(space: JointSpace = SPACE, **changes: Any) -> SearchFile:
    """What a random search with the fast scorer says of itself."""
    same = SearchFile(
        space=space.id,
        fixed={},
        sampler=dict(type='random'),
        seed=0,
        metric='hard',
        constraints={},
        pruner=None,
        size=[64, 64],
        scorer=complete_identity(dict(batch_size=4, recalibration_batch_size=4)),
        detector='111111111111',
        recalibration=ImageList(6, 'train.txt', 6, '222222222222', '333333333333'),
        held_out=ImageList(10, 'train.txt', 0, '444444444444', '333333333333'),
        supernet='0123456789ab',
        evaluator='555555555555',
    )
    return replace(same, **changes)
