"""Candidates a minute at the paper's size on a GPU: full-width supernet, 500 + 200 images of 640x640.

    python benchmarks/search_gpu.py --data data/WIDERFace

Random weights serve. For each precision: candidates a minute, over consecutive candidates of a search of
10,000, in its order; where the time goes; peak memory; and the share of the device's peak arithmetic rate
(those of an H100 or H200 SXM unless --peak gives others). Goal: 60 a minute, then 170, which is 10,000
candidates in an hour. --reference also times the reference scorer. --cpu tries the script without a GPU,
on a few images.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import torch
from search_setup import build_search, macs_with_reuse
from torch import Tensor

from mmbfbox.errors import exit_on_user_error
from mmbfbox.models import cost_table
from mmbfbox.search import ReferenceScorer
from mmbfbox.search.scoring.fast import FastScorer
from mmbfbox.search.scoring.fast.prefix import path_of
from mmbfbox.search.scoring.precision import PRECISIONS
from mmbfbox.space import Arch, CostTable
from mmbfbox.utils.files import make_writable_dir

PEAKS = dict(fp32=66.9, tf32=494.7, fp16=989.4, bf16=989.4)
SOME = 5
"""Candidates that the parts are measured on."""

DEVICE_PARTS, THREAD_PARTS = ('recalibration', 'detector'), ('post-processing', 'metric')


def seconds_a_candidate(scorer: Any, archs: list[Arch]) -> float:
    """Mean time of all but the first and the last: the fast scorer begins each during the one before."""
    scorer.order(archs)
    scorer.score(archs[0])
    start = time.perf_counter()
    for arch in archs[1:-1]:
        scorer.score(arch)
    return (time.perf_counter() - start) / (len(archs) - 2)


def measure(
    precision: str, config: Any, weights: dict[str, Tensor], costs: CostTable, args: Any
) -> str:
    """The cells of a row."""
    space = costs.space
    archs = sorted({space.sample(0, index) for index in range(10000)}, key=path_of)
    archs = archs[5000 : 5002 + args.candidates]
    scorer = FastScorer(config, weights, args.device, precision=precision)
    # The first round chooses algorithms and compiles kernels.
    seconds_a_candidate(scorer, archs)
    if args.device == 'cuda':
        torch.cuda.reset_peak_memory_stats()
    seconds = seconds_a_candidate(scorer, archs)
    memory = torch.cuda.max_memory_allocated() / 2**30 if args.device == 'cuda' else float('nan')
    # Once more with the stopwatch, which waits for the device: that would slow the run above.
    scorer.order(archs)
    scorer.score(archs[0])
    scorer.stopwatch.running = True
    for arch in archs[1 : 1 + SOME]:
        scorer.score(arch)
    spent = {part: value / SOME for part, value in scorer.stopwatch.seconds.items()}
    if args.profile:
        profile(precision, scorer, archs, args)
    images = len(scorer.images['recalibration']), len(scorer.images['held_out'])
    begun = macs_with_reuse(costs, archs, images)[1] - macs_with_reuse(costs, archs[:2], images)[1]
    rate = 2 * begun / (len(archs) - 2) / seconds / 1e12
    parts = [f'{spent[part]:.3f}' for part in DEVICE_PARTS]
    parts += [f'({spent[part]:.3f})' for part in THREAD_PARTS]
    return (
        f'{60 / seconds:.1f} | {seconds:.3f} | {" | ".join(parts)} | {rate:.1f} | '
        f'{100 * rate / args.peak[precision]:.0f} % | {memory:.1f}'
    )


def profile(precision: str, scorer: FastScorer, archs: list[Arch], args: Any) -> None:
    """Write which operators two candidates spend their time in, the dearest first."""
    scorer.stopwatch.running = False
    scorer.order(archs)
    scorer.score(archs[0])
    with torch.profiler.profile() as found:
        for arch in archs[1:3]:
            scorer.score(arch)
    key = 'self_cpu_time_total' if args.device == 'cpu' else 'self_cuda_time_total'
    table = found.key_averages().table(sort_by=key, row_limit=40, max_name_column_width=90)
    (args.profile / f'{precision}.txt').write_text(table)


@exit_on_user_error
def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--data', default='data/WIDERFace', help='folder in WIDER layout')
    parser.add_argument('--candidates', type=int, default=20, help=f'at least {SOME}')
    parser.add_argument('--batch-size', type=int, default=50, help='of both kinds of images')
    parser.add_argument('--precision', nargs='+', choices=PRECISIONS, default=list(PEAKS))
    parser.add_argument('--peak', type=float, nargs=4, help=f'TFLOP/s of {", ".join(PEAKS)}')
    parser.add_argument(
        '--reference', type=int, default=0, help='candidates of the reference scorer'
    )
    parser.add_argument('--cpu', action='store_true', help='8 + 8 images on the CPU, fp32 and bf16')
    parser.add_argument('--profile', type=Path, help='folder for the operators of two candidates')
    args = parser.parse_args()
    if args.candidates < SOME:
        parser.error(f'--candidates is {args.candidates}; give {SOME} or more')
    if not (args.cpu or torch.cuda.is_available()):
        print(f'there is no GPU here; on one this would be measured:\n\n{__doc__}')
        return
    args.device = 'cpu' if args.cpu else 'cuda'
    args.peak = dict(zip(PEAKS, args.peak)) if args.peak else PEAKS
    if args.profile:
        args.profile = make_writable_dir(args.profile)
    config, weights, model = build_search('paper/bfbox_search_wider_face', args.data)
    for loader in (config.recalibration_dataloader, config.held_out_dataloader):
        loader.batch_size = 4 if args.cpu else args.batch_size
        if args.cpu:
            loader.dataset.update(recalibration=8, held_out=8)
    costs = cost_table(model, (640, 640))
    name = 'CPU' if args.cpu else torch.cuda.get_device_name()
    print(
        f'{name}, torch {torch.__version__}, batches of {config.held_out_dataloader.batch_size}\n'
    )
    titles = [*DEVICE_PARTS, *THREAD_PARTS, 'TFLOP/s', 'of the peak', 'GiB']
    print(f'| precision | candidates a minute | seconds each | {" | ".join(titles)} |')
    print('|---' * (len(titles) + 3) + '|')
    for precision in ('fp32', 'bf16') if args.cpu else args.precision:
        print(f'| {precision} | {measure(precision, config, weights, costs, args)} |', flush=True)
        torch.cuda.empty_cache()
    print('In brackets: in other threads, meanwhile.')
    if args.reference:
        archs = [costs.space.sample(0, index) for index in range(args.reference + 2)]
        seconds = seconds_a_candidate(ReferenceScorer(config, weights, args.device), archs)
        print(f'Reference scorer, fp32: {60 / seconds:.1f} a minute, {seconds:.2f} seconds each.')


if __name__ == '__main__':
    main()
