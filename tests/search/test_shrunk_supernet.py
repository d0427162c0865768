"""A search knows which choices the training of its supernet has dropped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from mmdet.registry import DATASETS

from mmbfbox.engine import load_checkpoint_file
from mmbfbox.engine.path_losses import FixedCrops
from mmbfbox.export import supernet_space
from mmbfbox.search.scoring.data import image_names
from mmbfbox.search.storage.candidates import read_candidates
from mmbfbox.space.shrinking import taken
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import replace_data_root
from tests.running_tools import failure, run
from tests.search.report.test_report import data_of

BEFORE = Path(__file__).resolve().parents[1] / 'data' / 'search_before'
LEFT = {'c2.1': ['dw5', 'dw7'], 'p3': ['c2', 'c4']}


@pytest.mark.filterwarnings('ignore::FutureWarning')
def test_candidates_report_and_identity_have_only_what_is_left(tmp_path, capsys):
    content = load_checkpoint_file(BEFORE / 'supernet.pth')
    content['meta'] = dict(space=dict(shrunk=[dict(iteration=5, allowed=LEFT)]))
    torch.save(content, tmp_path / 'supernet.pth')
    common = ['--work-dir', tmp_path / 'search', '--data-root', BEFORE / 'images']
    options = ['--candidates', 6, '--cfg-options', 'search.strategy=None', 'search.race=None']
    run('search', BEFORE / 'config.py', tmp_path / 'supernet.pth', *common, *options)
    candidates = read_candidates(tmp_path / 'search')
    assert len(candidates) == 6
    for candidate in candidates:
        assert all(name in LEFT.get(place, [name]) for place, name in taken(candidate.arch))
    written = json.loads((tmp_path / 'search' / 'search.json').read_text())
    whole = supernet_space(load_config(BEFORE / 'config.py').model)
    expected = {place: list(names) for place, names in whole.shrunk(LEFT).choices.items()}
    assert written['allowed'] == expected
    facts = dict(data_of(tmp_path / 'search' / 'search_report.html')['facts'])
    assert facts['choices left by training'].startswith('c2.1: dw5 dw7; c3.1: conv3')
    said = failure(
        capsys, 'search', BEFORE / 'config.py', BEFORE / 'supernet.pth', *common, *options
    )
    assert 'differs in allowed.c2.1' in said


def test_a_training_measures_choices_on_images_that_it_does_not_train_on(tmp_path):
    """The images that a search scores on, through the pipeline of training."""
    before, demo = load_config(BEFORE / 'config.py'), load_config('demo/bfbox_supernet_demo')
    demo.model, demo.supernet_check = before.model, None
    demo.custom_hooks[0].shrink = dict(
        at=[0.5], archs=40, crops=4, batch_size=4, sigmas=0.0, keep=1
    )
    demo.train_cfg.max_iters = 2
    demo.train_dataloader.update(num_workers=0, persistent_workers=False, batch_size=4)
    demo.train_dataloader.dataset.update(held_out=10, recalibration=6)
    demo.dump(tmp_path / 'config.py')
    read = []
    with pytest.MonkeyPatch.context() as patch:
        given = FixedCrops.__init__

        def noting(self, *arguments):
            given(self, *arguments)
            read.extend(sample.img_id for batch in self for sample in batch['data_samples'])

        patch.setattr(FixedCrops, '__init__', noting)
        run(
            'train', tmp_path / 'config.py', '--work-dir', tmp_path / 'run',
            '--data-root', BEFORE / 'images',
        )  # fmt: skip
    replace_data_root(before, BEFORE / 'images')
    held_out = image_names(DATASETS.build(before.held_out_dataloader.dataset))
    assert len(read) == 4 and set(read) <= set(held_out)
    content = load_checkpoint_file(tmp_path / 'run' / 'iter_2.pth')
    (shrunk,) = content['meta']['space']['shrunk']
    whole = supernet_space(before.model)
    assert shrunk['iteration'] == 1
    assert whole.shrunk(shrunk['allowed']).count < whole.count
    assert 'dropped after 1 iterations: ' in next((tmp_path / 'run').glob('*/*.log')).read_text()
