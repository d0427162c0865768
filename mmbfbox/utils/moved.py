"""Modules that have moved: an old import works, with one line that says the new name."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

PACKAGE = 'mmbfbox.'

MOVED = {
    'datasets.demo_data': 'datasets.demo.make',
    'datasets.demo_paste': 'datasets.demo.paste',
    'datasets.demo_render': 'datasets.demo.render',
    'datasets.demo_sources': 'datasets.demo.sources',
    'datasets.jpeg': 'utils.jpeg',
    'engine.agreement': 'engine.distributed.agreement',
    'engine.attention': 'models.necks.attention_means',
    'engine.channels_last': 'engine.hooks.channels_last_hook',
    'engine.checkpoint_hook': 'engine.hooks.checkpoint_hook',
    'engine.close_workers': 'engine.hooks.close_workers_hook',
    'engine.deferred_info': 'engine.hooks.deferred_info_hook',
    'engine.gradient_reducer': 'engine.distributed.gradient_reducer',
    'engine.loss_guard': 'engine.hooks.loss_guard_hook',
    'engine.path_parallel': 'engine.distributed.path_parallel',
    'engine.path_sampling': 'engine.hooks.path_sampling_hook',
    'engine.pictures': 'engine.hooks.detection_pictures_hook',
    'engine.pretrained': 'engine.checkpoint.pretrained',
    'engine.resume': 'engine.checkpoint.resume',
    'engine.sample_predictions': 'engine.hooks.sample_predictions_hook',
    'engine.skipped_images': 'engine.hooks.skipped_images_hook',
    'engine.train_loop': 'engine.loops',
    'engine.watch': 'engine.hooks.watch_hook',
    'evaluation.contact_sheet': 'evaluation.wider.contact_sheet',
    'evaluation.face_eval_io': 'evaluation.face_eval.io',
    'evaluation.fddb_io': 'evaluation.fddb.io',
    'evaluation.figures': 'evaluation.plots',
    'evaluation.names': 'evaluation.image_names',
    'evaluation.wider_breakdown': 'evaluation.wider.breakdown',
    'evaluation.wider_face': 'evaluation.wider.protocol',
    'evaluation.wider_ground_truth': 'evaluation.wider.ground_truth',
    'evaluation.wider_io': 'evaluation.wider.io',
    'evaluation.wider_report': 'evaluation.wider.report',
    'inference.box_voting': 'utils.box_voting',
    'models.assigner': 'models.task_modules.face_assigner',
    'models.backbone': 'models.backbones.bfbox',
    'models.blocks': 'models.layers.blocks',
    'models.dense_targets': 'models.dense_heads.dense_targets',
    'models.densenet': 'models.backbones.densenet',
    'models.extra_levels': 'models.backbones.extra_levels',
    'models.fem': 'models.necks.fem',
    'models.fpn': 'models.necks.attention_fpn',
    'models.head': 'models.dense_heads.per_level_retina_head',
    'models.inception': 'models.backbones.inception_v4',
    'models.lfpn': 'models.necks.lfpn',
    'models.nas_fpn': 'models.necks.nas_fpn',
    'models.preprocess': 'models.data_preprocessor',
    'models.receptive': 'models.layers.receptive',
    'models.reuse_level': 'models.necks.reuse_level',
    'models.traced': 'models.traced_costs',
    'reproduce.records': 'pipeline.records',
    'reproduce.run': 'pipeline.run',
    'search.attention': 'search.scoring.attention',
    'search.build_scorer': 'search.scoring.build',
    'search.build_searcher': 'search.config',
    'search.checkup': 'search.scoring.checkup',
    'search.fast': 'search.scoring.fast',
    'search.fast.detections': 'search.scoring.fast.detections',
    'search.fast.fused': 'search.scoring.fast.fused',
    'search.fast.images': 'search.scoring.fast.images',
    'search.fast.kernels': 'search.scoring.fast.kernels',
    'search.fast.machine': 'search.scoring.fast.machine',
    'search.fast.measuring': 'search.scoring.fast.measuring',
    'search.fast.network': 'search.scoring.fast.network',
    'search.fast.norms': 'search.scoring.fast.norms',
    'search.fast.prefix': 'search.scoring.fast.prefix',
    'search.fast.scorer': 'search.scoring.fast.scorer',
    'search.fast.suppress': 'search.scoring.fast.suppress',
    'search.gate': 'search.constraints',
    'search.latency': 'search.scoring.latency',
    'search.ledger': 'search.storage.shared',
    'search.limits': 'search.constraints',
    'search.precision': 'search.scoring.precision',
    'search.race': 'search.pruner',
    'search.ranks': 'search.distributed',
    'search.recalibrate': 'search.scoring.recalibration',
    'search.results': 'search.storage.candidates',
    'search.scorer': 'search.scoring.reference',
    'search.searcher': 'search.loop',
    'search.strategies': 'search.samplers',
    'search.strategies.ageing': 'search.samplers.regularized_evolution',
    'search.strategies.base': 'search.samplers.base',
    'search.strategies.build': 'search.samplers.build',
    'search.strategies.evolution': 'search.samplers.evolution',
    'search.trial': 'search.objective',
    'search.work_dir': 'search.storage.work_dir',
    'utils.cli': 'command_line',
}
"""Old name of a module to its new one, both without ``mmbfbox.``."""


class _MovedLoader(Loader):
    """Gives out the module of the new name under the old one."""

    def __init__(self, new: str) -> None:
        self._new = new

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self._new)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """The module has been executed under its new name, which stays its own."""
        module.__spec__ = self._spec


class MovedFinder(MetaPathFinder):
    """Finds modules by the names that they had before."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a moved module, or None.

        Raises:
            ImportError: the folder has a function of the module's name.
        """
        new = MOVED.get(fullname.removeprefix(PACKAGE)) if fullname.startswith(PACKAGE) else None
        if new is None:
            return None
        new = PACKAGE + new
        parent, _, child = fullname.rpartition('.')
        public = getattr(sys.modules.get(parent), child, None)
        if public is not None and not isinstance(public, ModuleType):
            # Importing the module would put it in the place of the function of its name.
            raise ImportError(f'the module {fullname} is {new} now; import that', name=fullname)
        warnings.warn(
            f'the module {fullname} is {new} now; import that', FutureWarning, stacklevel=2
        )
        return ModuleSpec(fullname, _MovedLoader(new), is_package=False)


def find_moved_modules() -> None:
    """Let old imports work."""
    if not any(isinstance(finder, MovedFinder) for finder in sys.meta_path):
        # Before the finder of files, which would load the parts of a moved folder a second time.
        sys.meta_path.insert(0, MovedFinder())
