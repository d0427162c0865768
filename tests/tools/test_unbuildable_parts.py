"""Parts of a config that cannot be built are named in one sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mmbfbox.errors import why_not_built
from tests.running_tools import failure

SUPERNET = 'demo/bfbox_supernet_demo'
PARTS = [
    f'{name}_dataloader.dataset.{key}=4'
    for name in ('train', 'held_out', 'recalibration')
    for key in ('held_out', 'recalibration')
]


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        ('model.backbone.shallow_stage=1', 'key shallow_stage, .* mean shallow_stages'),
        ('model.neck.unheard_of=3', 'SearchableAttentionFPN .* takes no unheard_of'),
        ('model.neck.type=SearchableAttentoinFPN', 'AttentoinFPN.* mean SearchableAttentionFPN'),
        ('model.neck.type=Nothing', 'the type Nothing, which is not registered; .*custom_imports'),
        ('custom_hooks=[dict(seed=3)]', "{'seed': 3} where a part belongs; give it a type"),
        ('custom_hooks=[dict(type=\'PathSamplingHook\', seeed=3)]', 'no seeed .* mean seed'),
        ('train_cfg.max_iters=many', 'ResumableTrainLoop .* cannot be built .*many'),
        ('custom_hooks.3.interval=often', "LossGuardHook .*interval='often'.* correct its settings"),
        ('optim_wrapper.optimizer.lr=-1', 'AdamW .* cannot be built .*-1'),
        ("model.backbone=dict(_delete_=True, type='ResNet', depth=18, frozen_stages=None)",
         'ResNet .* cannot be built .*frozen_stages=None.*NoneType'),
        ("model.backbone=dict(_delete_=True, type='ResNet', depth=18, norm_cfg=dict(type='BN', epss=1))",
         'ResNet .* cannot be built .*epss.*; correct epss'),
        ("model.backbone=dict(_delete_=True, type='ResNet', depth=18, norm_cfg=dict(type='BN', ytpe='BN'))",
         r'sets model\.backbone\.norm_cfg\.ytpe; did you mean type'),
        ("model.backbone=dict(_delete_=True, type='ResNet', depth=18, norm_cfg=dict(eps=1))",
         'ResNet .* cannot be built .*must contain the key "type"'),
        ('optim_wrapper.clip_grad=dict(max_nrom=3)', 'clip_grad is .*max_nrom.*max_norm=35'),
        ("optim_wrapper.clip_grad=dict(max_norm='a lot')", 'clip_grad is .*a lot.*max_norm=35'),
        ('held_out_dataloader.dataset.pipeline.2.pad_val.img=(103.53,116.28)',
         r'the step Pad\(.* cannot be used'),
        ('train_dataloader.dataset.pipeline.3.transforms.0.canvas=10000000000',
         'not enough memory .*lower the sizes'),
    ],
)  # fmt: skip
def test_a_part_that_cannot_be_built_is_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, data: Path, option: str, message: str
) -> None:
    work = ['--work-dir', tmp_path / 'run', '--data-root', data]
    name = f'experiment_name={tmp_path.name}'
    said = failure(capsys, 'train', SUPERNET, *work, '--cfg-options', name, *PARTS, option)
    assert re.search(message, said) and len(said) < 400


@pytest.mark.parametrize('model', ['None', '[]', '{}'])
def test_a_model_that_is_none_is_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, model: str
) -> None:
    own = tmp_path / 'own.py'
    own.write_text(f'model = {model}\ntest_dataloader = dict(dataset=dict(pipeline=[]))\n')
    said = failure(capsys, 'test', own, tmp_path / 'no.pth', '--work-dir', tmp_path / 'work')
    assert re.search('model is .* in the config .*own.py, expected a dict with a type', said)


def test_errors_of_a_program_keep_their_traceback() -> None:
    """What is no fault of a config has to stay findable."""
    from mmengine.registry import Registry

    parts = Registry('parts', scope='mmbfbox.tests', locations=[])

    @parts.register_module()
    class Faulty:
        def __init__(self) -> None:
            {}['not there']

    with pytest.raises(KeyError) as inside:
        parts.build(dict(type='Faulty'))
    assert why_not_built(inside.value) is None
    with pytest.raises(TypeError) as elsewhere:
        len(3)  # type: ignore[arg-type]
    assert why_not_built(elsewhere.value) is None
