"""What is each ingredient of the recommended training of light networks worth?

    OMP_NUM_THREADS=1 python benchmarks/training/ingredients.py --data DATA
    python benchmarks/training/ingredients.py --table

One light network is trained from scratch with the recommended settings, and again with one of them changed,
each with the same seeds, and tested at VGA scale. Every finished run leaves a record in
benchmarks/records/ingredients; the same command goes on where it was stopped, and on another machine it
makes what has no record yet. --table prints the records: medium AP as mean and half of the range over the
seeds, its difference to the recommended training, and the mean loss of the last fifth.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout

from benchmarks.common.recorded_runs import RecordedRuns, mean_and_spread
from benchmarks.common.scripts import new_parser, print_head, print_row
from benchmarks.common.side_by_side import Job, SideBySide, add_options
from mmbfbox.errors import UserError, exit_on_user_error

CONFIG = 'light/0.5g/bfbox_reference_light-0.5g_wider_mini.py'
AS_RECOMMENDED = 'recommended'

LR = 'optim_wrapper.optimizer.lr'
SAMPLING = 'train_dataloader.dataset.pipeline.DataAnchorSampling'
HEAD = 'model.bbox_head'
GROUP_NORM = dict(type='GN', num_groups=4)
FOCAL = dict(
    _delete_=True, type='FocalLoss', use_sigmoid=True, gamma=2.0, alpha=0.25, loss_weight=1.0
)
MAX_IOU = dict(_delete_=True, type='FaceAssigner', margin=4.0)
SMOOTH_L1 = dict(_delete_=True, type='SmoothL1Loss', beta=1.0 / 9.0, loss_weight=2.0)
EMA = dict(type='EMAHook', ema_type='ExpMomentumEMA', momentum=0.002, update_buffers=True)


def schedule(iterations: int) -> dict[str, Any]:
    """A cosine over another number of iterations."""
    return {
        'train_cfg.max_iters': iterations,
        'param_scheduler.CosineAnnealingLR.T_max': iterations - 50,
        'param_scheduler.CosineAnnealingLR.end': iterations,
    }


def sgd(lr: float) -> dict[str, Any]:
    """SGD as SCRFD and YuNet use it."""
    optimizer = dict(_delete_=True, type='SGD', lr=lr, momentum=0.9, weight_decay=5e-4)
    return {'optim_wrapper.optimizer': optimizer}


INGREDIENTS: dict[str, dict[str, Any]] = {
    AS_RECOMMENDED: {},
    'float32': {'optim_wrapper.type': 'OptimWrapper'},
    'learning rate 1e-3': {LR: 1e-3},
    'learning rate 2e-3': {LR: 2e-3},
    'learning rate 8e-3': {LR: 8e-3},
    'SGD 1e-2': sgd(1e-2),
    'no decay of norms and biases': {
        'optim_wrapper.paramwise_cfg': dict(norm_decay_mult=0.0, bias_decay_mult=0.0)
    },
    'zero-init of the last norm': {'model.backbone.zero_init_residual': True},
    'data-anchor-sampling always': {f'{SAMPLING}.prob': 1.0},
    'data-anchor-sampling half of the time': {f'{SAMPLING}.prob': 0.5},
    "SCRFD's squares": {f'{SAMPLING}.squares': (0.3, 2.0)},
    'faces below 8 pixels ignored': {f'{SAMPLING}.min_size': 8},
    'crops of 320 pixels': {f'{SAMPLING}.canvas': 320, 'train_dataloader.batch_size': 6},
    'GroupNorm in neck and head': {
        'model.neck.norm_cfg': GROUP_NORM,
        f'{HEAD}.norm_cfg': GROUP_NORM,
    },
    'GroupNorm everywhere': {
        'model.backbone.norm_cfg': GROUP_NORM,
        'model.neck.norm_cfg': GROUP_NORM,
        f'{HEAD}.norm_cfg': GROUP_NORM,
    },
    'EMA': {'custom_hooks.EMAHook': EMA},
    'focal loss, max-IoU': {
        f'{HEAD}.loss_cls': FOCAL,
        'model.train_cfg.assigner': MAX_IOU,
    },
    'focal loss': {f'{HEAD}.loss_cls': FOCAL},
    'max-IoU': {'model.train_cfg.assigner': MAX_IOU},
    'smooth L1': {f'{HEAD}.loss_bbox': SMOOTH_L1, f'{HEAD}.reg_decoded_bbox': False},
    'head not shared': {f'{HEAD}.shared': False},
    'head with a tower': {f'{HEAD}.stacked_convs': 1, f'{HEAD}.feat_channels': 24},
    'rfe': {'model.neck.receptive': 'rfe'},
    'no receptive-field module': {'model.neck.receptive': None},
    'half as long': schedule(700),
    'twice as long': schedule(2800),
    'four times as long': schedule(5600),
}
STATISTICS = ('crops', 'images')


def slug(name: str) -> str:
    """An ingredient as a file's name."""
    return ''.join(c if c.isalnum() else '-' for c in name.lower()).strip('-').replace('--', '-')


def main() -> None:
    """Run what is missing, or print what there is."""
    parser = new_parser(__doc__)
    parser.add_argument('--data', type=Path, help='folder in WIDER FACE layout')
    parser.add_argument(
        '--work-dir', type=Path, default=Path('work_dirs/ingredients'), help='where trainings go'
    )
    parser.add_argument(
        '--seeds', type=int, nargs='+', default=[0, 1], help='of weights and data order'
    )
    parser.add_argument('--only', nargs='+', metavar='WORDS', help='ingredients with these words')
    add_options(parser)
    parser.add_argument('--table', action='store_true', help='print the records and do nothing')
    args = parser.parse_args()
    chosen = [name for name in INGREDIENTS if not args.only or any(w in name for w in args.only)]
    if not chosen:
        raise UserError(f'no ingredient has {" or ".join(args.only)} in its name; see --help')
    if not args.table and args.data is None:
        raise UserError('give the folder of the images as --data, or --table for what there is')
    runs = RecordedRuns('ingredients', CONFIG, args.data or Path('data'), args.work_dir)
    if not args.table:
        _run(runs, chosen, args)
    _print_table(runs, chosen, args.seeds)


def _run(runs: RecordedRuns, chosen: list[str], args: argparse.Namespace) -> None:
    """All ingredients with the first seed, then with the next, so that a table is soon complete."""
    jobs = [(name, seed) for seed in args.seeds for name in chosen]
    if args.at_once > 1:
        planned = [Job(slug(name), seed, INGREDIENTS[name]) for name, seed in jobs]
        SideBySide.of(args).train(runs, planned)
    if args.train_only:
        return
    if args.trained_only:
        trained = SideBySide.trained(
            runs, [Job(slug(name), seed, INGREDIENTS[name]) for name, seed in jobs]
        )
        jobs = [
            job for job in jobs if (slug(job[0]), job[1]) in {(t.name, t.seed) for t in trained}
        ]
    for number, (name, seed) in enumerate(jobs, 1):
        print(f'{number}/{len(jobs)}: {name}, seed {seed}', file=sys.stderr, flush=True)
        runs(slug(name), seed, INGREDIENTS[name])
        if name == AS_RECOMMENDED:
            for kind in STATISTICS:
                arguments = ('--norm-statistics', kind)
                runs.test_again(slug(name), seed, {}, kind, arguments)


def _print_table(runs: RecordedRuns, chosen: list[str], seeds: list[int]) -> None:
    base = runs.recorded(slug(AS_RECOMMENDED), seeds)
    print_head('training', 'seeds', 'easy', 'medium', 'hard', 'medium, difference', 'loss')
    names = [(name, slug(name)) for name in chosen]
    if AS_RECOMMENDED in chosen:
        names[1:1] = [
            (f'the same, tested with statistics of {kind}', f'{slug(AS_RECOMMENDED)}-{kind}')
            for kind in STATISTICS
        ]
    for name, file in names:
        records = runs.recorded(file, seeds)
        if not records:
            continue
        scores = {
            key: mean_and_spread(record.scores[key] for record in records)
            for key in ('easy', 'medium', 'hard')
        }
        pairs = {record.training.seed: record.scores['medium'] for record in base}
        differences = [
            record.scores['medium'] - pairs[record.training.seed]
            for record in records
            if record.training.seed in pairs
        ]
        loss = sum(record.loss for record in records) / len(records)
        print_row(name, len(records), *scores.values(), mean_and_spread(differences), f'{loss:.3f}')


if __name__ == '__main__':
    exit_on_user_error(main)()
