"""Testing a detector: exactly the weights of a file, in one of several ways, with all that was used noted."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from pathlib import Path
from typing import Any

from mmdet.registry import METRICS
from mmengine import Config
from mmengine.dist import is_main_process
from mmengine.logging import print_log
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.artifacts.test_settings import FILE
from mmbfbox.engine.checkpoint.weights import Weights, digest, load_weights, read_weights
from mmbfbox.errors import UserError
from mmbfbox.export.exporting import Recalibrate
from mmbfbox.export.slicing import subnet_model
from mmbfbox.export.supernet import read_arch, supernet_space
from mmbfbox.inference.settings import describe, use_levels, use_scheme, use_views
from mmbfbox.models import SearchableAttentionFPN, SearchableFaceBackbone
from mmbfbox.utils.files import make_writable_dir

METRICS_FILE = 'metrics.json'


@dataclass(frozen=True)
class HowToTest:
    """What can be chosen about a test.

    Attributes:
        scheme: one scale, see :func:`~mmbfbox.inference.settings.use_scheme`; None takes the config's
            ``test_scheme``, else its own pipeline.
        tta: ``'config'`` or a preset of several views, see
            :func:`~mmbfbox.inference.settings.use_views`.
        per_level: report each pyramid level alone, too.
        out_dir: folder for the detections in the benchmark's official layout.
        pictures: folder for pictures of detections.
        number: how many pictures.
        kind: ``'raw'`` or ``'ema'`` weights; the average by default, where there is one.
        arch: JSON file of the subnet that a supernet is tested as.
        norm_statistics: which batch-norm statistics: ``'running'``, or those of training ``'crops'`` or
            whole training ``'images'``.

    Raises:
        UserError: two of ``scheme``, ``tta`` and ``per_level`` exclude each other.
    """

    scheme: str | None = None
    tta: str | None = None
    per_level: bool = False
    out_dir: str | None = None
    pictures: str | None = None
    number: int = 9
    kind: str | None = None
    arch: str | None = None
    norm_statistics: str = 'running'

    def __post_init__(self) -> None:
        given = [f'--{name}' for name in ('scheme', 'tta') if getattr(self, name)]
        given += ['--per-level'] * (self.per_level and bool(self.tta))
        if len(given) > 1:
            raise UserError(f'{" and ".join(given)} exclude each other; give only one of them')


def test_detector(
    config: Config,
    checkpoint: str | Path,
    how: HowToTest | None = None,
    recalibrate: Recalibrate | None = None,
    use_statistics: Callable[[nn.Module], None] | None = None,
) -> Metrics:
    """Test a detector on the test images of its config.

    ``metrics.json`` in the work dir of the config, and ``test_settings.json`` beside the detections, say
    what was found and how.

    Args:
        config: its config, with ``work_dir``; it is changed.
        checkpoint: its weights: a checkpoint, or a bare state dict, also of a wrapped model.
        how: what is chosen about the test.
        recalibrate: needed with ``how.arch``, see :data:`~mmbfbox.export.exporting.Recalibrate`.
        use_statistics: puts the statistics of ``how.norm_statistics`` into the detector, like
            :class:`~mmbfbox.search.scoring.norm_statistics.NormStatistics`.

    Raises:
        UserError: the weights do not fit the config exactly, it is a supernet's and no arch is named, or a
            choice does not fit.
    """
    how = how or HowToTest()
    if config.get('test_dataloader') is None or config.get('test_evaluator') is None:
        raise UserError(
            'the config has no test_dataloader and test_evaluator; give the config of a detector'
        )
    weights = read_weights(checkpoint, how.kind)
    arch = None
    if how.arch is not None:
        if recalibrate is None:
            raise UserError('a subnet of a supernet is tested recalibrated; give recalibrate, too')
        weights, arch = _use_subnet(config, weights, how.arch, recalibrate)
    _choose(config, how)
    total = digest(weights.state)
    settings = replace(describe(config), weights=weights.kind, sha256=total, arch=arch)
    if how.norm_statistics != 'running':
        settings = replace(settings, norm_statistics=how.norm_statistics)
    # Loaded below: mmengine would take whatever fits.
    config.load_from, config.resume = None, False
    runner = Runner.from_cfg(config)
    detector = _detector_of(runner.model)
    _refuse_supernet(detector, weights.source)
    load_weights(detector, weights.state, weights.source)
    if use_statistics is not None:
        use_statistics(detector)
    if how.out_dir and is_main_process():
        # Of an earlier test; new detections must not stand beside it.
        (Path(how.out_dir) / FILE).unlink(missing_ok=True)
    print_log(f'testing the {weights} at {settings}', logger='current')
    # Metrics of others may return lists and texts, too.
    found = {name: value for name, value in runner.test().items() if isinstance(value, Real)}
    metrics = Metrics.of_results(found, settings)
    if is_main_process():
        metrics.write(Path(config.work_dir) / METRICS_FILE)
        if how.out_dir:
            settings.write(Path(how.out_dir) / FILE)
    return metrics


test_detector.__test__ = False  # type: ignore[attr-defined]  # pytest takes it for a test


def _use_subnet(
    config: Config, weights: Weights, path: str, recalibrate: Recalibrate
) -> tuple[Weights, dict[str, Any]]:
    """Put a subnet in the place of the supernet; return its weights and its arch as in a file."""
    try:
        space = supernet_space(config.model)
    except UserError as error:
        raise UserError(f'--arch is given, and the config is no supernet: {error}') from error
    arch = read_arch(path, space)
    state = dict(recalibrate(config, weights.state, arch))
    config.model = subnet_model(config.model, arch)
    return replace(weights, state=state), json.loads(space.to_json(arch))


def _choose(config: Config, how: HowToTest) -> None:
    """Bring the choices into the config."""
    if how.out_dir:
        _check_writes(config.test_evaluator)
        make_writable_dir(how.out_dir)
        config.test_evaluator.out_dir = how.out_dir
    scheme = how.scheme or config.get('test_scheme')
    if how.tta:
        use_views(config, None if how.tta == 'config' else how.tta)
    elif scheme:
        use_scheme(config, scheme)
    if how.per_level:
        use_levels(config)
    if how.norm_statistics == 'running':
        config.custom_hooks = [*config.get('custom_hooks', []), dict(type='NormShiftHook')]
    if how.pictures:
        hook = dict(type='DetectionPicturesHook', out_dir=how.pictures, number=how.number)
        config.custom_hooks = [*config.get('custom_hooks', []), hook]


def _check_writes(evaluator: Any) -> None:
    """Only a metric that knows its benchmark's layout writes detections."""
    kind = evaluator.get('type') if isinstance(evaluator, Mapping) else 'a list of metrics'
    metric = METRICS.get(kind) if isinstance(kind, str) else kind
    if metric is None or 'out_dir' not in inspect.signature(metric).parameters:
        raise UserError(
            f'--out-dir is given, and the test_evaluator, {kind}, writes no detections; leave --out-dir '
            'away (CocoMetric writes them below its own outfile_prefix), or take a metric of faces'
        )


def _detector_of(model: nn.Module) -> nn.Module:
    """The detector inside of wrappers for several processes and several views."""
    inner: Any = model
    while is_model_wrapper(inner) or isinstance(inner, BaseTTAModel):
        inner = inner.module
    detector: nn.Module = inner
    return detector


def _refuse_supernet(detector: nn.Module, source: str) -> None:
    searchable = (SearchableFaceBackbone, SearchableAttentionFPN)
    if any(isinstance(module, searchable) for module in detector.modules()):
        raise UserError(
            f'{source} is a supernet, and without an architecture it is no detector; name one with '
            f'--arch, or export one with tools/export_subnet.py'
        )
