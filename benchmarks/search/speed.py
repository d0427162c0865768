"""How long scorers take for a candidate, where the time goes, and how far their scores differ.

    python benchmarks/search/speed.py demo                          # the scorers on a CPU
    python benchmarks/search/speed.py wide                          # at half the paper's width
    python benchmarks/search/speed.py paper --data data/WIDERFace   # candidates a minute on a GPU
    python benchmarks/search/speed.py demo --what settings          # batches, layouts, precisions
    python benchmarks/search/speed.py demo --what imitate --held-out 400 --candidates 16

The search is that of a trained supernet of configs/demo (demo), of the paper's space at half its width on
images of 256x256 (wide), or at full width with 500 + 200 images of 640x640 (paper), the last two with random
weights. Scored are consecutive candidates of a random search of --population, in its own order. --what
chooses a list of what is compared, --compare names it:

    fast         the fast scorer; ,KEY=VALUE sets its keys: fast,batch_size=5  fast,precision=tf32
    reference    the reference scorer: reference,channels_last=False
    forward      the forward passes alone, which nobody can avoid, in plain PyTorch
    fast,imitate=fp16    rounds weights, inputs and outputs of convolutions and norms to half precision,
                         to see on a CPU what that would do on a GPU

Everything is compared with the first one. On a CPU they take turns, candidate by candidate, so that what
else the machine does hits all of them; on a GPU each has the device's memory for itself, and goes over the
candidates twice, because the first round chooses algorithms and compiles kernels. There "fast" twice shows
what the device's own differences are, and the share of the peak rate is that of an H100 or H200 SXM unless
--peak gives others.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

import torch

from benchmarks.common.scorer_runs import FastRun, ScorerRun, new_run
from benchmarks.common.scripts import (
    add_demo_data,
    machine,
    new_parser,
    print_head,
    print_row,
)
from benchmarks.common.searches import (
    Search,
    build_search,
    hard_faces,
    image_numbers,
    macs_with_reuse,
    wide_search,
)
from benchmarks.common.speed_tables import (
    print_device,
    print_differences,
    print_parts,
    print_speeds,
)
from mmbfbox.errors import UserError, exit_on_user_error
from mmbfbox.models import cost_table
from mmbfbox.search.scoring.fast.prefix import path_of
from mmbfbox.space import Arch, CostTable
from mmbfbox.utils.files import make_writable_dir

PEAKS = dict(fp32=66.9, tf32=494.7, fp16=989.4, bf16=989.4)
"""TFLOP/s of an H100 or H200 SXM."""

SOME = 5
"""Candidates that the parts are measured on where measuring slows down."""

SETTINGS = ('fast', 'fast,batch_size=40', 'fast,channels_last=False')
COMPARED = {
    ('scorers', 'cpu'): ('fast', 'reference', 'reference,channels_last=False', 'forward'),
    ('scorers', 'cuda'): ('fast', 'reference', 'forward'),
    ('precisions', 'cpu'): ('fast', 'fast,precision=bf16'),
    ('precisions', 'cuda'): tuple(f'fast,precision={precision}' for precision in PEAKS),
    ('settings', 'cpu'): (*SETTINGS, 'fast,batch_size=5', 'fast,precision=bf16'),
    ('settings', 'cuda'): (
        'fast',
        *SETTINGS,
        *(f'fast,precision={precision}' for precision in ('tf32', 'fp16', 'bf16')),
    ),
    ('imitate', 'cpu'): ('fast', 'fast,imitate=fp16', 'fast,imitate=bf16'),
}


def in_turns(runs: Sequence[ScorerRun], archs: Sequence[Arch]) -> None:
    """Score all but the first arch, which warms up, and the last, which is only begun."""
    for run in runs:
        run.prepare(archs)
    for place, arch in enumerate(archs[:-1]):
        if place == 1:
            for run in runs:
                run.forget()
        for run in runs:
            run.run(arch)


def alone(run: ScorerRun, archs: Sequence[Arch], profile: Path | None) -> None:
    """The same for one on a GPU, after a round that warms up."""
    in_turns([run], archs)
    torch.cuda.reset_peak_memory_stats()
    in_turns([run], archs)
    run.memory = torch.cuda.max_memory_allocated() / 2**30
    run.measure_parts(archs[: 1 + SOME])
    if profile and isinstance(run, FastRun):
        write_profile(run, archs[:3], profile)


def write_profile(run: FastRun, archs: Sequence[Arch], folder: Path) -> None:
    """Write which operators all but the first arch spend their time in, the most expensive first."""
    run.prepare(archs)
    run.scorer.score(archs[0])
    with torch.profiler.profile() as found:
        for arch in archs[1:]:
            run.scorer.score(arch)
    on_gpu = run.scorer.stopwatch.device.type == 'cuda'
    key = 'self_cuda_time_total' if on_gpu else 'self_cpu_time_total'
    table = found.key_averages().table(sort_by=key, row_limit=40, max_name_column_width=90)
    (folder / f'{run.name}.txt').write_text(table)


def compare(
    names: Sequence[str], search: Search, archs: list[Arch], args: argparse.Namespace
) -> list[ScorerRun]:
    """Measure what the names stand for."""
    if args.device == 'cpu':
        runs = [new_run(name, search, 'cpu') for name in names]
        in_turns(runs, archs)
        for run in runs if args.profile else ():
            if isinstance(run, FastRun):
                write_profile(run, archs[:3], args.profile)
        return runs
    runs = []
    for name in names:
        run = new_run(name, search, args.device)
        alone(run, archs, args.profile)
        run.release()
        torch.cuda.empty_cache()
        runs.append(run)
    return runs


def print_saved(costs: CostTable, images: tuple[int, int]) -> None:
    """Share of the multiply-adds of a random search that prefix reuse saves, by its length."""
    shares = []
    for population in (100, 1000, 10000):
        archs = {costs.space.sample(0, index) for index in range(population)}
        total, rest = macs_with_reuse(costs, sorted(archs, key=path_of), images)
        shares.append(f'{100 * (1 - rest / total):.0f} %')
    print()
    print_head('multiply-adds saved by prefix reuse', '100 candidates', '1,000', '10,000')
    print_row('random search', *shares)


def build(args: argparse.Namespace) -> Search:
    """The search that is asked for."""
    if args.search == 'demo':
        search = build_search('demo/bfbox_search_demo', args.data, args.supernet)
    elif args.search == 'wide':
        search = wide_search(args.data)
    else:
        search = build_search('paper/bfbox_search_wider_face', args.data)
    for name in ('recalibration_dataloader', 'held_out_dataloader'):
        loader = search[0][name]
        if args.search == 'paper' and args.device == 'cpu':
            loader.batch_size = 4
            loader.dataset.update(recalibration=8, held_out=8)
        elif args.search == 'paper':
            loader.batch_size = 50
        loader.batch_size = args.batch_size or loader.batch_size
        loader.dataset.held_out = args.held_out or loader.dataset.held_out
    return search


def candidates(costs: CostTable, population: int, number: int) -> list[Arch]:
    """So many from the middle of a search, with the one before and the one after.

    Raises:
        UserError: the search has fewer.
    """
    archs = {costs.space.sample(0, index) for index in range(population)}
    first = len(archs) // 2
    found = sorted(archs, key=path_of)[first - 1 : first + number + 1]
    if first < 1 or len(found) < number + 2:
        raise UserError(
            f'a search of {population} has no {number} candidates after its middle; raise --population'
        )
    return found


@exit_on_user_error
def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument('search', choices=('demo', 'wide', 'paper'))
    parser.add_argument('--what', choices=('scorers', 'precisions', 'settings', 'imitate'),
                        help='what is compared (default: precisions for paper, else scorers)')  # fmt: skip
    parser.add_argument('--compare', nargs='+', metavar='NAME', help='compare these, see above')
    add_demo_data(parser)
    parser.add_argument('--candidates', type=int, default=20, help=f'how many, {SOME} or more')
    parser.add_argument('--population', type=int,
                        help='candidates of the search (default: 1000 for demo, else 10000)')  # fmt: skip
    parser.add_argument('--batch-size', type=int, help='of both kinds of images (default: the '
                        "config's, 50 for paper)")  # fmt: skip
    parser.add_argument('--held-out', type=int, help="images to score on (default: the config's)")
    parser.add_argument('--device', choices=('cpu', 'cuda'),
                        help='default: cuda if there is one; paper on a cpu has 8 + 8 images')  # fmt: skip
    parser.add_argument('--peak', type=float, nargs=4, help=f'TFLOP/s of {", ".join(PEAKS)}')
    parser.add_argument('--profile', type=Path, help='folder for the operators of two candidates')
    args = parser.parse_args()
    if args.candidates < SOME:
        parser.error(f'--candidates is {args.candidates}; give {SOME} or more')
    what = args.what or ('precisions' if args.search == 'paper' else 'scorers')
    on_cpu = what == 'imitate' or not torch.cuda.is_available()
    if args.search == 'paper' and on_cpu and args.device is None:
        parser.error(
            'there is no GPU here, which paper is for; --device cpu tries it on 8 + 8 images'
        )
    args.device = args.device or ('cpu' if on_cpu else 'cuda')
    names = args.compare or COMPARED.get((what, args.device))
    if names is None:
        parser.error(f'--what {what} is for the CPU; leave --device out')
    args.profile = args.profile and make_writable_dir(args.profile)

    search = build(args)
    costs = cost_table(search[2], tuple(search[0].search.size))
    population = args.population or (1000 if args.search == 'demo' else 10000)
    archs = candidates(costs, population, args.candidates)
    runs = compare(names, search, archs, args)
    print(f'{args.candidates} candidates; {machine(args.device)}')
    print_speeds(runs)
    print_parts(runs)
    print_differences(runs, hard_faces(search[0]))
    images = image_numbers(search[0])
    if args.device == 'cuda':
        begun = [macs_with_reuse(costs, part, images)[1] for part in (archs, archs[:2])]
        peaks = dict(zip(PEAKS, args.peak)) if args.peak else PEAKS
        print_device(runs, (begun[0] - begun[1]) / args.candidates, peaks)
    print_saved(costs, images)


if __name__ == '__main__':
    main()
