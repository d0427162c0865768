"""How far batches, memory layouts and precisions move the fast scorer's scores, and how long they take.

    python benchmarks/search_settings.py --supernet work_dirs/demo/supernet/iter_500.pth

Consecutive candidates of a random search of --population, in its own order, on the GPU if there is one.
All are compared with fp32 in channels-last and the config's batches. On a GPU the same is measured twice:
what differs then is the device's own. --imitate rounds weights, inputs and outputs of convolutions and
norms to half precision on the CPU, to see what it would do on a GPU.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import torch
from scipy.stats import spearmanr
from search_setup import build_search
from torch import Tensor, nn

from mmbfbox.errors import exit_on_user_error
from mmbfbox.evaluation.metrics import xyxy_to_xywh
from mmbfbox.evaluation.wider.ground_truth import WiderGroundTruth
from mmbfbox.models import space_of
from mmbfbox.search.scoring.building import build_dataset
from mmbfbox.search.scoring.fast import FastScorer
from mmbfbox.search.scoring.fast.norms import PathNorm
from mmbfbox.search.scoring.fast.prefix import path_of
from mmbfbox.search.scoring.precision import HALF
from mmbfbox.space import Arch

SETTINGS: dict[str, list[dict[str, Any]]] = {
    'cpu': [
        dict(batch_size=5),
        dict(batch_size=40),
        dict(channels_last=False),
        dict(precision='bf16'),
    ],
    'cuda': [
        {},
        dict(batch_size=40),
        dict(channels_last=False),
        *(dict(precision=precision) for precision in ('tf32', 'fp16', 'bf16')),
    ],
    'imitated': [dict(imitated='fp16'), dict(imitated='bf16')],
}


def imitate(network: Any, precision: str) -> None:
    """Round what backbone and neck compute to a half precision."""

    def rounded(x: Tensor) -> Tensor:
        return x.to(HALF[precision]).float()

    for module in (*network.backbone.modules(), *network.neck.modules()):
        if isinstance(module, nn.Conv2d):
            module.weight.data = rounded(module.weight.data)
            module.register_forward_pre_hook(lambda _, inputs: (rounded(inputs[0]),))
        if isinstance(module, nn.Conv2d | PathNorm):
            module.register_forward_hook(lambda _, inputs, output: rounded(output))


def score(
    config: Any,
    weights: dict[str, Tensor],
    archs: Sequence[Arch],
    device: str,
    keys: dict[str, Any],
) -> tuple[list[float], float]:
    """Hard AP of all archs but the first and the last, and seconds a candidate.

    Each one is begun while the one before is measured.
    """
    keys = dict(keys)
    imitated = keys.pop('imitated', None)
    scorer = FastScorer(config, weights, device, **keys)
    if imitated:
        imitate(scorer.network.model, imitated)
    scorer.order(archs)
    scorer.score(archs[0])
    start = time.perf_counter()
    hard = [scorer.score(arch)['hard'] for arch in archs[1:-1]]
    return hard, (time.perf_counter() - start) / len(hard)


def hard_faces(config: Any) -> int:
    """Faces of the held-out images that count as hard: one more found moves AP by about its share."""
    dataset = build_dataset(config.held_out_dataloader, 'held_out')
    infos = [dataset.get_data_info(index) for index in range(len(dataset))]
    faces = WiderGroundTruth.from_boxes_by_size(
        {info['img_id']: xyxy_to_xywh(info['gt_boxes']) for info in infos},
        {info['img_id']: info['gt_valid'] for info in infos},
    )
    return sum(int(keep.sum()) for keep in faces.keep['hard'])


@exit_on_user_error
def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--config', default='demo/bfbox_search_demo', help='config of the search')
    parser.add_argument('--data', default='work_dirs/demo/data', help='folder in WIDER layout')
    parser.add_argument('--supernet', default='work_dirs/demo/supernet/iter_500.pth')
    parser.add_argument('--candidates', type=int, default=50)
    parser.add_argument('--population', type=int, default=1000, help='candidates of the search')
    parser.add_argument(
        '--held-out', type=int, help='images to score on; those of the config by default'
    )
    parser.add_argument('--imitate', action='store_true', help='only imitated half precisions')
    parser.add_argument('--cpu', action='store_true', help='on the CPU although there is a GPU')
    args = parser.parse_args()
    device = 'cpu' if args.cpu or args.imitate or not torch.cuda.is_available() else 'cuda'
    config, weights, model = build_search(args.config, args.data, args.supernet)
    if args.held_out:
        config.held_out_dataloader.dataset.held_out = args.held_out
        config.recalibration_dataloader.dataset.held_out = args.held_out
    space = space_of(model)
    archs = sorted({space.sample(0, index) for index in range(args.population)}, key=path_of)
    first = len(archs) // 2
    archs = archs[first - 1 : first + args.candidates + 1]

    expected, seconds = score(config, weights, archs, device, {})
    name = torch.cuda.get_device_name() if device == 'cuda' else 'CPU'
    print(f'{name}, torch {torch.__version__}, {hard_faces(config)} hard faces, {len(expected)} candidates, '
          f'hard AP {100 * min(expected):.2f} to {100 * max(expected):.2f} %\n')  # fmt: skip
    print(
        '| setting | largest difference in hard AP | mean | rank correlation | seconds a candidate |'
    )
    print(f'|---|---|---|---|---|\n| fp32, channels-last | | | | {seconds:.3f} |')
    for keys in SETTINGS['imitated' if args.imitate else device]:
        hard, seconds = score(config, weights, archs, device, keys)
        off = [abs(a - b) for a, b in zip(hard, expected, strict=True)]
        title = ', '.join(f'`{key}={value!r}`' for key, value in keys.items()) or 'the same again'
        print(
            f'| {title} | {max(off):.2g} | {sum(off) / len(off):.2g} | '
            f'{spearmanr(hard, expected)[0]:.4f} | {seconds:.3f} |',
            flush=True,
        )


if __name__ == '__main__':
    main()
