"""The end of a search: the best archs and the Pareto front as files, the best ones as detectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.artifacts.checkpoint_meta import ExportMeta
from mmbfbox.errors import UserError
from mmbfbox.export import subnet_config, write_subnet
from mmbfbox.search.config import PreparedSearch
from mmbfbox.search.denoising import ordering_score
from mmbfbox.search.report import BEST, pareto_front, readable, table, write_report
from mmbfbox.search.report.trust import trust_sentences
from mmbfbox.search.scoring.reference import ReferenceScorer
from mmbfbox.space import JointSpace
from mmbfbox.utils.data_root import face_category_of
from mmbfbox.utils.files import atomic_write


def write_archs(folder: Path, name: str, candidates: Sequence[Candidate], space: JointSpace) -> str:
    """Write ``<name>/01.json``, ``02.json``, ... and the table ``<name>.md``; return the table.

    Files of an earlier, longer list are removed.
    """
    text = table(candidates, len(candidates))
    with atomic_write(folder / f'{name}.md') as path:
        path.write_text(text + '\n')
    names = [f'{number:02d}.json' for number in range(1, len(candidates) + 1)]
    for file, candidate in zip(names, candidates, strict=True):
        with atomic_write(folder / name / file) as path:
            path.write_text(space.to_json(candidate.arch) + '\n')
    for old in (folder / name).glob('*.json'):
        if old.name not in names:
            old.unlink()
    return text


def export_winners(search: PreparedSearch, winners: Sequence[Candidate]) -> str:
    """Write the winners as configs and weights, score them by the reference scorer, return a table.

    ``export/01/`` and so on hold ``config.py``, ``weights.pth`` (batch norm recalibrated) and
    ``arch.json``; the table is also ``export.md``.

    Raises:
        UserError: the config names no ``final_config``, or a folder cannot be written to.
    """
    config = search.config
    final = config.get('final_config')
    if not final:
        raise UserError(
            'search.export needs final_config, the config that the exported networks are trained with; '
            'name it in the search config, or set search.export=0'
        )
    state, folder = search.checkpoint['state_dict'], Path(config.work_dir)
    # What a score means must be the same; how fast it comes need not.
    asked = config.search.get('scorer') or {}
    shared = {key: asked[key] for key in ('parts', 'channels_last') if key in asked}
    scorer = ReferenceScorer(config, state, search.device, **shared)
    metric = config.search.metric
    lines = [
        f'| rank | candidate | {metric} in the search | {metric} by the reference scorer | files |',
        '|---|---|---|---|---|',
    ]
    for rank, candidate in enumerate(winners, 1):
        text = search.space.to_json(candidate.arch)
        out = folder / 'export' / f'{rank:02d}'
        subnet = subnet_config(
            final,
            config.model,
            candidate.arch,
            config.get('data_root'),
            face_category=face_category_of(config),
        )
        meta = ExportMeta(
            dataset_meta=search.checkpoint['meta'].get('dataset_meta'),
            weights=search.checkpoint['meta'].get('weights'),
            arch=text,
            candidate=candidate.index,
            recalibrated=True,
        )
        write_subnet(out, subnet, text, scorer.subnet(candidate.arch).state_dict(), meta)
        again = scorer.score(candidate.arch)
        lines.append(
            f'| {rank} | {candidate.index} | {100 * candidate.scores[metric]:.4f} | '
            f'{100 * again[metric]:.4f} | {out} |'
        )
    with atomic_write(folder / 'export.md') as path:
        path.write_text('\n'.join(lines) + '\n')
    return '\n'.join(lines)


def finish(search: PreparedSearch, ranked: Sequence[Candidate]) -> None:
    """Write and print everything that a finished search leaves.

    Args:
        search: the search.
        ranked: the candidates scored on all images, the best first; at least one.
    """
    settings, folder = search.config.search, Path(search.config.work_dir)
    everything = search.loop.storage.final.values()
    best = write_archs(folder, 'best', ranked[: settings.best], search.space)
    front = pareto_front(ranked, ordering_score(ranked, settings.metric))
    write_archs(folder, 'pareto', front, search.space)
    page = write_report(folder, search.supernet, max(BEST, settings.best))
    print(f'\n{best}\n\nbest architecture:\n{ranked[0].arch}\n')
    for sentence in trust_sentences(ranked, search.loop.identity):
        print(sentence)
    if search.loop.ending:
        print(f'{search.loop.ending}; there are no more to score')
    stopped = sum(candidate.stopped is not None for candidate in everything)
    failed = sum(candidate.error is not None for candidate in everything)
    cheapest, costliest = (readable(front[end].backbone_macs) for end in (0, -1))
    print(
        f'{len(ranked)} candidates scored on all images, {stopped} stopped early, {failed} failed; '
        f'Pareto front of {len(front)}, {cheapest} to {costliest} MACs'
    )
    if settings.get('export'):
        print(f'\n{export_winners(search, ranked[: settings.export])}\n')
    print(
        f'wrote {folder / "best" / "01.json"}, {folder / "best.md"}, {folder / "pareto.md"}, {page}'
    )
