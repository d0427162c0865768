"""Configs change the steps of a base's pipeline by their names."""

from __future__ import annotations

import copy

import pytest

from mmbfbox.errors import UserError
from mmbfbox.utils.config import configs_dir, load_config
from mmbfbox.utils.named_steps import apply_at_random, change_steps, insert_after

PIPELINE = load_config('_base_/datasets/wider_face').train_pipeline


def types(steps) -> list[str]:
    return [step['type'] for step in steps]


def test_a_step_is_changed_wherever_it_stands_and_the_base_stays_as_it_was():
    before = copy.deepcopy(PIPELINE)
    rarely = apply_at_random(PIPELINE, DataAnchorSampling=0.1)
    assert types(rarely)[3] == 'RandomApply' and rarely[3]['prob'] == 0.1
    changed = change_steps(rarely, DataAnchorSampling=dict(canvas=192), RandomFlip=dict(prob=0.0))
    assert changed[3]['transforms'][0] == {**PIPELINE[3], 'canvas': 192}
    assert changed[5] == dict(type='RandomFlip', prob=0.0)
    longer = insert_after(PIPELINE, 'DecodeFaceImage', dict(type='Resize', scale=(64, 64)))
    assert types(longer) == [*types(PIPELINE)[:5], 'Resize', *types(PIPELINE)[5:]]
    assert before == PIPELINE


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda: change_steps(PIPELINE, Crop=dict(a=1)), "no step has the type 'Crop'.*RandomFlip"),
        (lambda: apply_at_random(PIPELINE, Crop=0.5), "no step has the type 'Crop'"),
        (lambda: insert_after(PIPELINE, 'Crop', {}), "no step has the type 'Crop'"),
        (
            lambda: change_steps([*PIPELINE, *PIPELINE], RandomFlip=dict(prob=0.1)),
            "several steps have the type 'RandomFlip'",
        ),
    ],
)
def test_a_name_that_fits_no_step_or_several_is_one_sentence(change, message: str):
    with pytest.raises(UserError, match=message):
        change()


def test_a_config_with_a_wrong_name_is_one_sentence(tmp_path):
    own = tmp_path / 'own.py'
    own.write_text(
        f'_base_ = {str(configs_dir() / "_base_/datasets/wider_face.py")!r}\n'
        'from mmbfbox.utils.named_steps import change_steps\n'
        'train_pipeline = change_steps(_base_.train_pipeline, Resized=dict(scale=1))\n'
    )
    with pytest.raises(UserError, match=r"own.py cannot be read .*no step has the type 'Resized'"):
        load_config(own)
