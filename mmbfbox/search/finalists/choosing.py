"""Which networks are trained: the best of the search, random ones within the same constraints, a baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from mmdet.registry import MODELS

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.artifacts.finalists import BASELINE, CANDIDATE, CONTROL, Finalist, FinalistsFile
from mmbfbox.errors import UserError
from mmbfbox.models import traced_macs
from mmbfbox.search.config import PreparedSearch
from mmbfbox.search.constraints import CandidateFilter
from mmbfbox.search.finalists.settings import FinalistSettings
from mmbfbox.search.finalists.training import (
    baseline_model,
    check_images,
    final_config_of,
    finalist_config,
    training_fingerprint,
    whole_iterations,
)
from mmbfbox.search.scoring.interface import ScoreError
from mmbfbox.space.draw import seed_of
from mmbfbox.utils.quiet import build_quietly


def choose_finalists(
    search: PreparedSearch, ranked: Sequence[Candidate], settings: FinalistSettings
) -> FinalistsFile:
    """The networks that a finished search trains, and how.

    Controls are drawn anew, so they are random whatever sampler the search had, and scored like
    candidates. What is drawn depends on the seed, the space, the constraints and the best candidates alone.

    Args:
        search: the search.
        ranked: its candidates, the best first.
        settings: of its finalists.

    Raises:
        UserError: there are too few candidates, the constraints leave too few controls, or the training
            sees images that networks are scored on.
    """
    settings.check_candidates(len(ranked))
    best = [_candidate(candidate, CANDIDATE) for candidate in ranked[: settings.best]]
    networks = [*best, *_controls(search, ranked, settings)]
    if settings.baseline is not None:
        networks.append(_baseline(search, settings))
    scored = set(search.loop.scorer.images['held_out'])
    check_images(finalist_config(search.config, settings, networks[0]), scored)
    return FinalistsFile(
        networks=tuple(networks),
        rungs=settings.iterations_of(whole_iterations(search.config, settings)),
        keep=list(settings.keep),
        metric=search.config.search.metric,
        training=training_fingerprint(search.config, settings),
        norm_statistics=settings.norm_statistics,
        final=final_config_of(search.config),
        repeats=list(settings.repeats),
    )


def _candidate(candidate: Candidate, kind: str, name: str | None = None) -> Finalist:
    name = name or f'candidate-{candidate.index:05d}'
    return Finalist(name, kind, candidate.arch, candidate.index, candidate.scores, candidate.costs)


def _controls(
    search: PreparedSearch, ranked: Sequence[Candidate], settings: FinalistSettings
) -> Iterator[Finalist]:
    """Random networks, none of them among the best."""
    loop, space = search.loop, search.space
    allowed = CandidateFilter(loop.costs, loop.constraints, loop.latency, space.networks)
    for candidate in ranked[: settings.best]:
        allowed.accept(candidate.arch)
    seed, index, drawn = seed_of('control', settings.seed), 0, []
    for number in range(settings.controls):
        costs = None
        while costs is None:
            if allowed.exhausted:
                raise UserError(
                    f'search.finalists.controls is {settings.controls}, and beside the {settings.best} '
                    f'best candidates the constraints leave {number} networks to draw; ask for fewer '
                    f'controls or widen the constraints'
                )
            arch, index = space.sample(seed, index), index + 1
            costs = allowed.accept(arch)
        drawn.append((index - 1, arch, costs))
    known = {candidate.arch.canonical(): candidate for candidate in ranked}
    for index, arch, costs in drawn:
        # By the number of its draw: other best candidates leave the names of the others as they are.
        name = f'control-{index:04d}'
        same = known.get(arch.canonical())
        if same is not None:
            yield _candidate(same, CONTROL, name)
            continue
        scores: dict[str, float] = {}
        with suppress(ScoreError):
            loop.scorer.prepare([arch])
            scores = loop.scorer.score(arch)
        yield Finalist(name, CONTROL, arch, None, scores, costs)


def _baseline(search: PreparedSearch, settings: FinalistSettings) -> Finalist:
    model = build_quietly(lambda: MODELS.build(baseline_model(settings)))
    size = search.config.search.size
    params = sum(parameter.numel() for parameter in model.parameters())
    costs = dict(
        backbone_macs=traced_macs(model, (224, 224))[0],
        detector_macs=traced_macs(model, (int(size[0]), int(size[1])))[1],
        params=params,
    )
    return Finalist('baseline', BASELINE, costs=costs)
