"""What makes two searches the same one."""

from __future__ import annotations

import inspect
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from mmengine import Config

from mmbfbox.artifacts.search import SearchFile
from mmbfbox.errors import UserError
from mmbfbox.search.identity import complete, search_identity
from mmbfbox.search.samplers import complete_settings
from mmbfbox.search.scoring.build import SCORERS, complete_identity
from mmbfbox.search.storage.work_dir import claim
from mmbfbox.space import freeze
from tests.fixtures_search import SPACE, identity


class Named:
    """A scorer as far as a search's identity asks it."""

    images = dict(held_out=['a', 'b'], recalibration=['c'])

    def __init__(self, **keys: object) -> None:
        self._keys = complete_identity(keys)

    def identity(self) -> dict[str, object]:
        return self._keys


def config(root: str = 'data/', **search: object) -> Config:
    files = dict(ann_file='train.txt', data_root=root, pipeline=[dict(type='Load')])
    settings = dict(seed=0, metric='hard', size=(64, 64), constraints=dict())
    return Config(
        dict(
            model=dict(type='X'),
            train_dataloader=dict(dataset=dict(files, part='train')),
            held_out_dataloader=dict(dataset=dict(files, part='held_out')),
            recalibration_dataloader=dict(dataset=dict(files, part='recalibration')),
            held_out_evaluator=dict(type='WiderFaceMetric', ground_truth=f'{root}ground_truth'),
            search=dict(settings, **search),
        )
    )


def of(config: Config, **keys: object) -> SearchFile:
    return search_identity(config, SPACE, Named(**keys), b'weights')


def test_what_is_at_its_default_may_be_written_out() -> None:
    plain = of(config())
    assert of(config(), type='fast', precision='fp32', parts=4) == plain
    assert of(config(sampler=dict(type='random'))) == plain
    evolution = of(config(sampler=dict(type='evolution')))
    assert of(config(sampler=dict(type='evolution', population=50, top=10))) == evolution != plain
    assert of(config(pruner=dict())) == of(config(pruner=dict(keep=100, round=200))) != plain


def test_the_place_of_the_data_is_not_part_of_it_but_what_is_measured_is() -> None:
    assert of(config('data/')) == of(config('/another/place/'))
    other = config()
    other.held_out_evaluator.iou_threshold = 0.4
    assert of(other) != of(config())


def test_it_says_on_which_images_scores_are_and_how_many_were_trained_on() -> None:
    def told(*names: str) -> tuple[str, str]:
        file = search_identity(config(), SPACE, Named(), b'weights', trained_on=names)
        return str(file.held_out), str(file.recalibration)

    held_out, recalibration = '2 images of train.txt, ', '1 images of train.txt, '
    assert told('c', 'd') == (
        f'{held_out}held out of training', f'{recalibration}used in training'
    )  # fmt: skip
    assert told('a', 'd') == (
        f'{held_out}1 of 2 used in training', f'{recalibration}held out of training'
    )  # fmt: skip
    assert told('a', 'b', 'c')[0] == f'{held_out}used in training'
    assert str(of(config()).held_out) == f'{held_out}not compared with the training images'


def test_it_says_how_many_images_both_recalibrate_and_score() -> None:
    scorer = Named()
    scorer.images = dict(held_out=['a', 'b'], recalibration=['b', 'c', 'd'])
    file = search_identity(config(), SPACE, scorer, b'weights', trained_on=['b', 'c', 'd'])
    assert str(file.held_out).endswith('1 of 2 used in training, 1 of them recalibrate and score')
    assert file.recalibration.shared == 1


@pytest.mark.parametrize('kind', sorted(SCORERS))
def test_each_key_of_a_scorer_is_part_of_its_identity_or_declared_as_speed_only(kind: str) -> None:
    keys = set(inspect.signature(SCORERS[kind]).parameters) - {'config', 'weights', 'device'}
    assert SCORERS[kind].SPEED_ONLY <= keys
    assert keys - SCORERS[kind].SPEED_ONLY <= set(complete_identity(dict(type=kind)))


def test_frozen_parts_are_part_of_it() -> None:
    arch = SPACE.sample(0, 0)
    space = freeze(SPACE, dict(fpn=[str(merge) for merge in arch.merges]))
    file = search_identity(config(), space, Named(), b'weights')
    assert file.fixed == dict(backbone=None, fpn=[str(merge) for merge in arch.merges])


def test_a_work_dir_takes_the_same_search_and_names_each_difference(tmp_path: Path) -> None:
    settings = complete_settings(dict(type='evolution'))
    claim(tmp_path, identity(sampler=settings))
    written = (tmp_path / 'search.json').read_bytes()
    claim(tmp_path, identity(sampler=settings))
    assert (tmp_path / 'search.json').read_bytes() == written
    held_out = replace(identity().held_out, number=3)
    with pytest.raises(UserError, match=r'held_out.number \(there 10, here 3\); sampler.top'):
        claim(tmp_path, identity(sampler={**settings, 'top': 9}, held_out=held_out))


def test_what_an_earlier_version_left_out_is_completed() -> None:
    now = identity(
        sampler=complete_settings(dict(type='evolution')),
        pruner=dict(keep=3, round=200, sigmas=3.0),
    )
    earlier = replace(
        now,
        sampler=dict(type='evolution'),
        pruner=dict(keep=3),
        scorer=dict(batch_size=4, recalibration_batch_size=4),
        evaluator=None,
    )
    assert asdict(complete(earlier, now)) == asdict(now)
