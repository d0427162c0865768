"""Training one path leaves every other path alone."""

from __future__ import annotations

import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import InstanceData
from torch.utils.data import Dataset

from mmbfbox.engine import PathSamplingHook, SkippedImagesHook, load_checkpoint_file
from mmbfbox.errors import UserError
from mmbfbox.export import subnet_weights
from mmbfbox.models import active_arch, space_of

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


def make_runner(config, folder, hooks, iterations, accumulate=1, images=None, **keys) -> Runner:
    return Runner(
        model=config.model,
        work_dir=str(folder),
        train_dataloader=dict(
            batch_size=2,
            num_workers=0,
            dataset=images or Images(),
            # With an end, mmengine's loop would sleep for two seconds at each of them.
            sampler=dict(type='InfiniteSampler', shuffle=False),
            collate_fn=dict(type='pseudo_collate'),
        ),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=iterations),
        optim_wrapper=dict(
            type='OptimWrapper',
            accumulative_counts=accumulate,
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


def test_a_fair_block_goes_on_across_a_resume_and_so_do_the_counts(supernet_config, tmp_path):
    """Stopped after 4 of 6 iterations: after all 6, three shallow and two deep choices are even."""
    widths = [8, 8]
    model = supernet_config.model
    model.backbone.update(out_channels=widths, depths=[1, 1], shallow_stages=1)
    model.backbone.update(shallow_choices=['conv3', 'conv5', 'dw3'], deep_choices=['conv3', 'dw3'])
    model.neck.update(in_channels=widths, targets=[2, 3])
    model.bbox_head.anchor_generator.update(strides=[4, 8])
    keys = dict(seed=5, sampling='fair')
    make_runner(supernet_config, tmp_path, [PathSamplingHook(**keys)], 4).train()
    hook = PathSamplingHook(log_interval=6, **keys)
    resume = dict(resume=True, load_from=str(tmp_path / 'iter_4.pth'))
    runner = make_runner(supernet_config, tmp_path, [hook], 6, **resume)
    said = []
    runner.logger.info = said.append
    runner.train()
    assert [set(counts.values()) for counts in hook.counts.values()] == [{2}, {3}, {3}, {3}]
    assert list(hook.counts) == ['c2.1', 'c3.1', 'p2', 'p3']
    assert any('p2 c3 3 to c3 3' in text for text in said)
    meta = load_checkpoint_file(tmp_path / 'iter_6.pth')['meta']
    assert meta['path_counts'] == hook.counts
    with pytest.raises(UserError, match='fair sampling seed 5.*uniform seed 5'):
        make_runner(supernet_config, tmp_path, [PathSamplingHook(5)], 8, **resume).train()


def test_a_path_lasts_for_one_update(supernet_config, tmp_path):
    hook = PathSamplingHook(seed=5)
    runner = make_runner(supernet_config, tmp_path, [hook], 6, accumulate=3)
    archs = []
    hook.after_train_iter = lambda runner, **keys: archs.append(active_arch(runner.model))
    runner.train()
    space = space_of(runner.model)
    assert archs == [space.sample(5, 0)] * 3 + [space.sample(5, 1)] * 3


def test_a_sampling_that_does_not_exist_is_refused():
    with pytest.raises(UserError, match="'unfair', expected one of uniform, fair"):
        PathSamplingHook(sampling='unfair')


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
