"""Training one path leaves every other path alone."""

from __future__ import annotations

import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import InstanceData
from torch.utils.data import Dataset

from mmbfbox.engine import PathSamplingHook, SkippedImagesHook
from mmbfbox.errors import UserError
from mmbfbox.export import subnet_weights
from mmbfbox.models import space_of

SIZE = (128, 128)


class Images(Dataset):
    """Noise with one face each; one image stands in for two that were damaged."""

    metainfo = dict(classes=('face',))

    def __len__(self):
        return 8

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        sample = DetDataSample(
            metainfo=dict(
                img_shape=SIZE,
                ori_shape=SIZE,
                scale_factor=(1, 1),
                skipped=('a.jpg', 'b.jpg') if index == 3 else (),
            )
        )
        sample.gt_instances = InstanceData(
            bboxes=torch.tensor([[20.0, 30.0, 50.0, 70.0]]) + index, labels=torch.tensor([0])
        )
        sample.ignored_instances = InstanceData(bboxes=torch.zeros(0, 4))
        image = torch.randint(0, 256, (3, *SIZE), generator=generator, dtype=torch.uint8)
        return dict(inputs=image, data_samples=sample)


class Watch(Hook):
    """Compares the parameters before and after each step with what the path allows to move."""

    def __init__(self):
        self.moved = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.before = {n: p.clone() for n, p in runner.model.state_dict().items()}

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        after = runner.model.state_dict()
        moved = {n for n in after if not torch.equal(after[n], self.before[n])}
        arch = space_of(runner.model).sample(5, batch_idx)
        allowed = {id(tensor) for tensor in subnet_weights(after, arch).values()}
        self.moved.append((moved, {n for n in after if id(after[n]) in allowed}))


def make_runner(config, folder, hooks, iterations, **keys) -> Runner:
    return Runner(
        model=config.model,
        work_dir=str(folder),
        train_dataloader=dict(
            batch_size=2,
            num_workers=0,
            dataset=Images(),
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type='pseudo_collate'),
        ),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=iterations),
        optim_wrapper=dict(
            type='OptimWrapper',
            optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=0.05),
        ),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=10)),
        custom_hooks=hooks,
        log_processor=dict(by_epoch=False),
        default_scope='mmdet',
        experiment_name=folder.name,
        log_level='WARNING',
        **keys,
    )


@pytest.mark.parametrize('attention', ['spatial', 'edge'])
def test_unsampled_parameters_do_not_move_by_one_bit(supernet_config, tmp_path, attention):
    """20 SGD steps with momentum and weight decay; batch-norm buffers are watched, too."""
    supernet_config.model.neck.attention = attention
    watch, sampling = Watch(), PathSamplingHook(seed=5)
    make_runner(supernet_config, tmp_path, [sampling, watch], 20).train()
    assert len(watch.moved) == 20
    for moved, allowed in watch.moved:
        assert moved <= allowed, sorted(moved - allowed)[:3]
        # And the path itself learns: all of it but for the ReLUs that happen to be dead.
        assert len(moved) > 0.9 * len(allowed)


def test_a_run_resumes_from_its_checkpoint_and_goes_on_with_the_same_archs(
    supernet_config, tmp_path
):
    make_runner(supernet_config, tmp_path, [PathSamplingHook(seed=5)], 10).train()
    watch = Watch()
    checkpoint = str(tmp_path / 'iter_10.pth')
    runner = make_runner(
        supernet_config, tmp_path, [PathSamplingHook(seed=5), watch], 14,
        resume=True, load_from=checkpoint,
    )  # fmt: skip
    runner.train()
    assert runner.iter == 14 and len(watch.moved) == 4
    assert all(moved <= allowed for moved, allowed in watch.moved)
    with pytest.raises(UserError, match='sampling seed 5'):
        make_runner(
            supernet_config, tmp_path, [PathSamplingHook(seed=6)], 14,
            resume=True, load_from=checkpoint,
        ).train()  # fmt: skip


def test_skipped_images_are_counted_and_reported(supernet_config, tmp_path):
    hook = SkippedImagesHook()
    runner = make_runner(supernet_config, tmp_path, [PathSamplingHook(), hook], 4)
    said = []
    runner.logger.warning = said.append
    runner.train()
    assert hook.paths == {'a.jpg', 'b.jpg'}
    assert any('2 training images could not be read' in text and 'a.jpg' in text for text in said)


def test_the_hook_wants_a_supernet(tmp_path, supernet_config):
    runner = make_runner(supernet_config, tmp_path, [], 1)
    runner.model.neck = None
    with pytest.raises(UserError, match='SearchableAttentionFPN'):
        PathSamplingHook().before_train(runner)
