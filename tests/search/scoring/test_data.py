"""Which data a search can be scored on, told before anything is scored."""

from __future__ import annotations

import json

import pytest
from mmengine import Config
from mmengine.registry import init_default_scope

from mmbfbox.errors import UserError
from mmbfbox.search.scoring.data import build_dataset, check_config, image_names
from mmbfbox.utils.config import load_config
from tests.datasets.small_wider import NAMES, write_wider


def test_held_out_images_of_coco_json_are_refused_at_once(tmp_path):
    """Their faces have no easy, medium and hard; to recalibrate on, they are as good as any."""
    init_default_scope('mmdet')
    root = write_wider(tmp_path / 'coco')
    images = [dict(id=n, file_name=name, height=60, width=80) for n, name in enumerate(NAMES)]
    faces = [
        dict(id=n, image_id=n, category_id=1, bbox=[5, 6, 20, 30], area=600, iscrowd=0)
        for n in range(len(NAMES))
    ]
    content = dict(images=images, annotations=faces, categories=[dict(id=1, name='face')])
    (root / 'faces.json').write_text(json.dumps(content))
    files = dict(
        type='CocoDataset', metainfo=dict(classes=('face',)), data_root=str(root),
        ann_file='faces.json', data_prefix=dict(img='WIDER_train/images'), pipeline=[], test_mode=True,
    )  # fmt: skip
    loader = Config(dict(dataset=files))
    with pytest.raises(
        UserError, match='held_out_dataloader has a CocoDataset, .* WiderFaceDataset'
    ):
        build_dataset(loader, 'held_out')
    assert len(image_names(build_dataset(loader, 'recalibration'))) == len(NAMES)


@pytest.mark.parametrize(
    'key', ['recalibration_dataloader', 'held_out_dataloader', 'held_out_evaluator']
)
@pytest.mark.parametrize('value', [None, {}, []])
def test_what_scoring_needs_is_missed_also_where_it_is_empty(key, value):
    config = load_config('demo/bfbox_search_demo')
    check_config(config)
    config[key] = value
    with pytest.raises(UserError, match=f'lacks {key}, which scoring needs'):
        check_config(config)
