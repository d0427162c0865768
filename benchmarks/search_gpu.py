"""Candidates a minute at the paper's size on a GPU: full-width supernet, 500 + 200 images of 640x640.

    python benchmarks/search_gpu.py --data data/WIDERFace

Random weights serve. For each precision: candidates a minute, over consecutive candidates of a search of
10,000; where the time goes; peak memory; and the share of the device's peak arithmetic rate (--peak, TFLOP/s
of fp32, tf32 and bf16; those of an H100 SXM unless given). Goal: 60 a minute, then 170, which is 10,000
candidates in an hour. --cpu tries the script without a GPU, on a few images.
"""

from __future__ import annotations

import argparse
import time

import torch
from search_setup import build_search, macs_with_reuse

from mmbfbox.models import cost_table
from mmbfbox.search.fast import FastScorer
from mmbfbox.search.fast.prefix import path_of

PARTS = ('recalibration', 'detector', 'post-processing', 'metric')


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--data', default='data/WIDERFace', help='folder in WIDER layout')
    parser.add_argument('--candidates', type=int, default=20)
    parser.add_argument('--batch-size', type=int, default=20, help='of both kinds of images')
    parser.add_argument('--peak', type=float, nargs=3, default=(66.9, 494.7, 989.4))
    parser.add_argument('--cpu', action='store_true', help='8 + 8 images on the CPU, fp32 and bf16')
    args = parser.parse_args()
    if not (args.cpu or torch.cuda.is_available()):
        print(f'there is no GPU here; on one this would be measured:\n\n{__doc__}')
        return
    device = 'cpu' if args.cpu else 'cuda'
    config, weights, model = build_search('paper/search', args.data)
    for loader in (config.recalibration_dataloader, config.held_out_dataloader):
        loader.batch_size = 4 if args.cpu else args.batch_size
        if args.cpu:
            loader.dataset.update(recalibration=8, held_out=8)
    costs = cost_table(model, (640, 640))
    space = costs.space
    archs = sorted({space.sample(0, index) for index in range(10000)}, key=path_of)
    archs = archs[5000 : 5001 + args.candidates]

    print(
        f'{torch.cuda.get_device_name() if device == "cuda" else "CPU"}, torch {torch.__version__}'
    )
    print(
        f'\n| precision | candidates a minute | {" | ".join(PARTS)} | TFLOP/s | of the peak | GiB |'
    )
    print('|---' * (len(PARTS) + 5) + '|')
    for precision, peak in zip(('fp32', 'tf32', 'bf16'), args.peak, strict=True):
        if args.cpu and precision == 'tf32':
            continue
        scorer = FastScorer(config, weights, device, precision=precision)
        scorer.order(archs)
        scorer.score(archs[0])
        if device == 'cuda':
            torch.cuda.reset_peak_memory_stats()
            torch.cuda.synchronize()
        start = time.perf_counter()
        for arch in archs[1:]:
            scorer.score(arch)
        seconds = time.perf_counter() - start
        # Once more with the stopwatch, which waits for the device: that would slow the run above.
        scorer.stopwatch.running = True
        scorer.order(archs)
        for arch in archs[:4]:
            scorer.score(arch)
        parts = [scorer.stopwatch.seconds.get(part, 0.0) for part in PARTS]
        images = len(scorer.images['recalibration']), len(scorer.images['held_out'])
        first = macs_with_reuse(costs, archs[:1], images)[1]
        macs = macs_with_reuse(costs, archs, images)[1] - first
        rate = 2 * macs / seconds / 1e12
        memory = torch.cuda.max_memory_allocated() / 2**30 if device == 'cuda' else float('nan')
        shares = ' | '.join(f'{100 * part / sum(parts):.0f} %' for part in parts)
        print(
            f'| {precision} | {60 * len(archs[1:]) / seconds:.1f} | {shares} | {rate:.1f} | '
            f'{100 * rate / peak:.0f} % | {memory:.1f} |',
            flush=True,
        )
        del scorer
        if device == 'cuda':
            torch.cuda.empty_cache()


if __name__ == '__main__':
    main()
