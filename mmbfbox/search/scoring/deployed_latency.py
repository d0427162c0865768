"""Latency of archs as they will be used: their ONNX graph in onnxruntime or OpenVINO, on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope

from mmbfbox.export.onnx.prepare import INPUT, prepare
from mmbfbox.export.onnx.sessions import Run, onnx_run, openvino_run
from mmbfbox.export.slicing import subnet_model
from mmbfbox.space import Arch
from mmbfbox.utils.quiet import build_quietly

BACKENDS: dict[str, Callable[..., Run]] = {'onnxruntime': onnx_run, 'openvino': openvino_run}


def deployed_runner(
    model: Mapping[str, Any], size: tuple[int, int], backend: str, threads: int
) -> Callable[[Arch], object]:
    """Runs the exported graph of an arch on one image.

    What an arch takes does not depend on its weights, so it is built with random ones. The first run of
    an arch exports it, which takes a second or two; it must not be timed.

    Args:
        model: model config of the supernet.
        size: height and width of the image in pixels; filled up to multiples of the largest stride.
        backend: a name in :data:`BACKENDS`.
        threads: how many the back end may use.

    Raises:
        UserError: the back end is not installed.
    """
    current: dict[Arch, Callable[[], object]] = {}

    def run(arch: Arch) -> None:
        if arch not in current:
            current.clear()
            current[arch] = _exported(subnet_model(model, arch), size, backend, threads)
        current[arch]()

    return run


def _exported(
    model: Mapping[str, Any], size: tuple[int, int], backend: str, threads: int
) -> Callable[[], object]:
    init_default_scope('mmdet')
    prepared = prepare(build_quietly(lambda: MODELS.build(model)))
    run = BACKENDS[backend](prepared.model, threads)
    height, width = (-(-side // prepared.divisor) * prepared.divisor for side in size)
    image = np.zeros((1, 3, height, width), np.float32)
    return lambda: run({INPUT: image})
