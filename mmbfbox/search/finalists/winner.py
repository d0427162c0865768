"""The winner of the finalists as a config and weights, ready for the last training."""

from __future__ import annotations

from pathlib import Path

from mmengine import Config

from mmbfbox.artifacts.checkpoint_meta import ExportMeta
from mmbfbox.artifacts.finalists import network_folder
from mmbfbox.engine import read_weights
from mmbfbox.export import subnet_config, write_subnet
from mmbfbox.search.finalists.settings import FinalistSettings
from mmbfbox.search.finalists.standings import Standings
from mmbfbox.search.finalists.training import baseline_model, final_config_of
from mmbfbox.space import JointSpace
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import replace_data_root

FINAL = 'final'


def write_winner(
    config: Config, settings: FinalistSettings, standings: Standings, space: JointSpace
) -> Path:
    """Write ``final/config.py``, ``weights.pth`` and, of an arch, ``arch.json``.

    The config is the whole ``final_config``, held-out images included; the weights are those of its best
    whole training, as they were scored, a detector as they are.

    Args:
        config: of the search, with its ``work_dir``.
        settings: of its finalists.
        standings: with a winner.
        space: of the archs.

    Returns:
        The folder.

    Raises:
        UserError: the checkpoint cannot be read, or the folder cannot be written to.
    """
    winner = standings.winner
    assert winner is not None
    work_dir, file = Path(config.work_dir), standings.file
    folder = network_folder(work_dir, winner.name) / standings.best_training_of(winner.name)
    weights = read_weights(folder / f'iter_{file.rungs[-1]}.pth')
    final, root = final_config_of(config), config.get('data_root')
    text = None
    if winner.arch is not None:
        text = space.to_json(winner.arch)
        chosen = subnet_config(final, config.model, winner.arch, root)
    else:
        chosen = load_config(final)
        if root and root != chosen.get('data_root'):
            replace_data_root(chosen, root)
        chosen.model = baseline_model(settings)
    meta = ExportMeta(
        dataset_meta=weights.meta.get('dataset_meta'),
        weights=weights.kind,
        arch=text,
        candidate=winner.candidate,
        recalibrated=True,
    )
    write_subnet(work_dir / FINAL, chosen, text, weights.state, meta)
    return work_dir / FINAL
