"""A pipeline: the steps of the chain in their order, as the tools are called for each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine import Config

from mmbfbox.pipeline.step import Step

ANNOTATIONS = 'wider_face_split/wider_face_{}_bbx_gt.txt'
GROUND_TRUTH = tuple(
    f'ground_truth/wider_{name}_val.mat' for name in ('face', 'easy', 'medium', 'hard')
)


@dataclass
class Pipeline:
    """Collects steps, each once and after those that it needs.

    A step's results go to the folder of its name below the work dir. Of the data, the annotations are
    inputs of the steps that read them; images are too many to be compared.

    Args:
        folder: the work dir.
        data_root: folder of the data.
        gpus: processes of a training, search or test.
        face_category: which category of COCO annotations is the face.
        environment: variables that its commands have beside those of this process.
        meanwhile: surrounds the time in which a command runs and this process only waits for it.
        steps: by name, in the order in which they run.
    """

    folder: Path
    data_root: Path
    gpus: int = 1
    face_category: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    meanwhile: Callable[[], AbstractContextManager[Any]] = nullcontext
    steps: dict[str, Step] = field(default_factory=dict)

    def add(self, step: Step) -> Step:
        """Add a step, unless there is one of its name; return the one that is there."""
        return self.steps.setdefault(step.name, step)

    def add_data(self, *arguments: object) -> Step:
        """Make the face images; the arguments are options of ``tools/make_demo_data.py``."""
        root = self.data_root
        words = ('--out', str(root), *map(str, arguments))
        return self.add(Step('data', 'make_demo_data', root, root / GROUND_TRUTH[-1], (), words))

    def add_training(
        self, name: str, config: str | Path, iterations: int, *, arguments: Sequence[str] = (),
        configs: Mapping[str, Config] | None = None, files: Mapping[Path, str] | None = None,
        goes_on_from: Path | None = None,
    ) -> Step:  # fmt: skip
        """Train.

        Args:
            name: of the step.
            config: a name that the package ships, or a path. A path that is not among ``files`` is the
                result of an earlier step.
            iterations: after which training ends.
            arguments: options of the command.
            configs: see :class:`Step`.
            files: see :class:`Step`.
            goes_on_from: checkpoint of an earlier step that the training goes on from.
        """
        folder, files = self.folder / name, files or {}
        done = folder / f'iter_{iterations}.pth'
        before = () if goes_on_from is None else (goes_on_from,)
        inputs = (*_made(config, files), *before, *self._annotations('train', 'val'))
        return self.add(
            Step(
                name, 'train', folder, done, (str(config),), tuple(arguments), configs or {}, files,
                inputs, goes_on_from,
            )
        )  # fmt: skip

    def add_search(
        self, name: str, config: str | Path, supernet: Path, done: str, *, inputs: Sequence[Path] = (),
        arguments: Sequence[str] = (), configs: Mapping[str, Config] | None = None,
        files: Mapping[Path, str] | None = None,
    ) -> Step:  # fmt: skip
        """Search.

        Args:
            name: of the step.
            config: as of :meth:`add_training`.
            supernet: its checkpoint.
            done: name of the file that it writes last.
            inputs: files of earlier steps that it reads besides.
            arguments: options of the command.
            configs: see :class:`Step`.
            files: see :class:`Step`.
        """
        folder, files = self.folder / name, files or {}
        read = (*_made(config, files), supernet, *inputs, *self._annotations('train', 'val'))
        return self.add(
            Step(
                name, 'search', folder, folder / done, (str(config), str(supernet)), tuple(arguments),
                configs or {}, files, read,
            )
        )  # fmt: skip

    def add_export(
        self, name: str, arch: Path, supernet: Path, *, arguments: Sequence[str] = (),
        configs: Mapping[str, Config] | None = None,
    ) -> Step:  # fmt: skip
        """Export an arch of a supernet as a config and weights."""
        folder = self.folder / name
        reads, words = (str(arch), str(supernet)), ('--out', str(folder), *arguments)
        inputs = (arch, supernet)
        return self.add(
            Step(
                name, 'export_subnet', folder, folder / 'config.py', reads, words, configs or {},
                inputs=inputs,
            )
        )  # fmt: skip

    def add_test(
        self, name: str, config: str | Path, checkpoint: Path, *, arguments: Sequence[str] = (),
        configs: Mapping[str, Config] | None = None, files: Mapping[Path, str] | None = None,
    ) -> Step:  # fmt: skip
        """Test a checkpoint on the validation images.

        Args:
            name: of the step.
            config: as of :meth:`add_training`.
            checkpoint: of a training.
            arguments: options of the command.
            configs: see :class:`Step`.
            files: see :class:`Step`.
        """
        folder, files = self.folder / name, files or {}
        truth = (*self._annotations('val'), *(self.data_root / file for file in GROUND_TRUTH))
        return self.add(
            Step(
                name, 'test', folder, folder / 'metrics.json', (str(config), str(checkpoint)),
                tuple(arguments), configs or {}, files, (*_made(config, files), checkpoint, *truth),
            )
        )  # fmt: skip

    def _annotations(self, *splits: str) -> tuple[Path, ...]:
        return tuple(self.data_root / ANNOTATIONS.format(split) for split in splits)


def _made(config: str | Path, files: Mapping[Path, str]) -> tuple[Path, ...]:
    """The config file, if an earlier step makes it."""
    return (config,) if isinstance(config, Path) and config not in files else ()
