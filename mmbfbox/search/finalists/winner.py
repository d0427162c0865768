"""Finalists as a config and weights, ready for the last training: the winner, and the best of each kind."""

from __future__ import annotations

from pathlib import Path

from mmengine import Config

from mmbfbox.artifacts.checkpoint_meta import ExportMeta
from mmbfbox.artifacts.finalists import Finalist, network_folder
from mmbfbox.engine import read_weights
from mmbfbox.export import subnet_config, write_subnet
from mmbfbox.search.finalists.settings import FinalistSettings
from mmbfbox.search.finalists.standings import Standings
from mmbfbox.search.finalists.training import baseline_model, final_config_of
from mmbfbox.space import JointSpace
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import replace_data_root

FINAL = 'final'
TRAINED = 'trained'


def write_trained(
    config: Config, settings: FinalistSettings, standings: Standings, space: JointSpace
) -> Path:
    """Write the winner into ``final/``, and into ``trained/candidate/`` and so on the best of each kind.

    Of a kind that has not come to the end of a whole training nothing is written.

    Args:
        config: of the search, with its ``work_dir``.
        settings: of its finalists.
        standings: with a winner.
        space: of the archs.

    Returns:
        The folder of the winner.

    Raises:
        UserError: a checkpoint cannot be read, or a folder cannot be written to.
    """
    winner, work_dir = standings.winner, Path(config.work_dir)
    assert winner is not None
    last = standings.file.rounds[len(standings.file.rungs) - 1]
    whole = [one for one in standings.order() if last in standings.records_of(one.name)]
    best = {one.kind: one for one in reversed(whole)}
    for kind, network in best.items():
        _write(work_dir / TRAINED / kind, network, config, settings, standings, space)
    return _write(work_dir / FINAL, winner, config, settings, standings, space)


def _write(
    folder: Path, network: Finalist, config: Config, settings: FinalistSettings,
    standings: Standings, space: JointSpace,
) -> Path:  # fmt: skip
    """Write ``config.py``, ``weights.pth`` and, of an arch, ``arch.json``.

    The config is the whole ``final_config``, held-out images included; the weights are those of the network's
    best whole training, as they were scored, a detector as they are.
    """
    work_dir, file = Path(config.work_dir), standings.file
    trained = network_folder(work_dir, network.name) / standings.best_training_of(network.name)
    weights = read_weights(trained / f'iter_{file.rungs[-1]}.pth')
    final, root = final_config_of(config), config.get('data_root')
    text = None
    if network.arch is not None:
        text = space.to_json(network.arch)
        chosen = subnet_config(final, config.model, network.arch, root)
    else:
        chosen = load_config(final)
        if root and root != chosen.get('data_root'):
            replace_data_root(chosen, root)
        chosen.model = baseline_model(settings)
    meta = ExportMeta(
        dataset_meta=weights.meta.get('dataset_meta'),
        weights=weights.kind,
        arch=text,
        candidate=network.candidate,
        recalibrated=True,
    )
    write_subnet(folder, chosen, text, weights.state, meta)
    return folder
