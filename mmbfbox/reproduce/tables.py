"""What the paper's tables say, row by row, and which configs make each row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mmbfbox.errors import UserError
from mmbfbox.utils.moved_configs import current_name

SUBSETS = ('easy', 'medium', 'hard')
LEVELS = ('p2', 'p3', 'p4', 'p5', 'p6', 'p7', 'all')
"""Columns of table 1: hard AP of one pyramid level alone, and of all levels together."""

MACS = 'macs'
"""Multiply-adds of the backbone at 224x224 in units of 1e9."""


@dataclass(frozen=True)
class Row:
    """A row of a table: a network that is trained, or one that is searched and then trained.

    Args:
        name: short name, unique in its table.
        title: what the paper calls it.
        paper: the paper's numbers, AP in percent; keys are subsets, levels (their hard AP) or ``macs``.
        config: the network, or the supernet of a searched row, as :func:`config_name` takes it.
        searches: the searches, in their order; the last one's winner is trained.
        options: changes, dotted key to value, of the network's config or of the last search's.
    """

    name: str
    title: str
    paper: Mapping[str, float]
    config: str
    searches: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


def _subsets(*values: float) -> dict[str, float]:
    return dict(zip(SUBSETS, values))


def _levels(*values: float) -> dict[str, float]:
    return dict(zip(LEVELS, values))


def _network(name: str, title: str, paper: Mapping[str, float]) -> Row:
    """A network whose row is named like its config, without the table in front."""
    return Row(name.split('_', 1)[1], title, paper, name)


def _reuse() -> tuple[Row, ...]:
    """Table 2, one row for each cell: the level that detects, on the map of another one or its own."""
    cells = {
        2: (87.8, 78.8, 74.2, 68.3, 64.2),
        3: (84.4, 87.6, 72.8, 64.3, 65.4),
        4: (83.2, 81.7, 86.8, 76.5, 72.4),
        5: (77.4, 79.3, 82.4, 88.0, 81.2),
        6: (68.5, 74.2, 77.8, 85.4, 88.2),
    }
    rows = []
    for target, values in cells.items():
        for source, value in zip(cells, values):
            title, paper = f'p{target} on the map of p{source}', {f'p{target}': value}
            options = {'model.neck.1.source': source, 'model.neck.1.target': target}
            same = source == target
            config = 'table1_resnet50_fpn' if same else 'table2_reuse'
            name = f'p{target}_on_p{source}'
            rows.append(Row(name, title, paper, config, options={} if same else options))
    return tuple(rows)


def _blocks() -> tuple[Row, ...]:
    values = {
        'conv3': (87.8, 87.6),
        'conv5': (87.7, 87.8),
        'conv7': (88.1, 87.4),
        'conv9': (87.4, 87.3),
        'conv11': (87.8, 85.4),
        'dw3': (87.6, 87.2),
        'dw5': (88.0, 87.4),
        'dw7': (88.2, 87.8),
        'dw9': (87.7, 87.6),
        'dw3_5': (88.2, 88.0),
        'dw3_7': (87.8, 87.6),
        'dw5_7': (88.1, 87.7),
    }

    def title(name: str) -> str:
        kind = 'Dwconv' if name.startswith('dw') else 'Conv'
        return f'{kind} ' + ' + '.join(f'{k}x{k}' for k in name.strip('convdw').split('_'))

    return tuple(_network(f'table3_{n}', title(n), _levels(*v)) for n, v in values.items())


def _dense() -> tuple[Row, ...]:
    values = {
        '2x16': (87.7, 86.8),
        '2x32': (87.9, 86.6),
        '3x16': (87.8, 86.4),
        '3x32': (88.1, 87.1),
    }
    return tuple(
        _network(
            f'table4_dense{name}',
            '{} dense layers of growth {}'.format(*name.split('x')),
            _levels(*levels),
        )
        for name, levels in values.items()
    )


def _spaces() -> tuple[Row, ...]:
    values = {
        'fdb4': (95.8, 95.2, 90.8),
        'fdb3': (95.2, 94.5, 90.2),
        'fdb6': (94.2, 92.4, 88.1),
        'fdb8': (93.8, 93.2, 87.4),
        'icb4': (95.2, 94.4, 88.2),
    }
    return tuple(
        Row(
            name, f'{name[:3].upper()}({name[3]}) + FPN', _subsets(*ap), f'table5_{name}',
            (f'search_table5_{name}',),
        )
        for name, ap in values.items()
    )  # fmt: skip


R50, R101 = 'table1_resnet50', 'table1_resnet101'
JOINT = Row('joint', 'Joint searching', _subsets(96.5, 95.7, 91.7), 'supernet', ('search',))
TABLES: dict[str, tuple[Row, ...]] = {
    'table1': (
        _network(f'{R50}_fpn', 'ResNet-50 + FPN', _levels(87.8, 87.6, 86.8, 88.0, 88.2, 87.9, 87.8)),
        _network(f'{R101}_fpn', 'ResNet-101 + FPN', _levels(85.2, 85.2, 87.3, 88.6, 88.2, 88.3, 86.2)),
        _network('table1_resnet152_fpn', 'ResNet-152 + FPN',
                 _levels(84.7, 84.4, 86.8, 88.4, 88.0, 88.3, 85.1)),
        _network(f'{R50}_lfpn', 'ResNet-50 + IFPN', _levels(88.1, 88.4, 87.8, 87.8, 87.6, 87.7, 88.2)),
        _network(f'{R50}_fem', 'ResNet-50 + FEM', _levels(87.7, 87.8, 88.4, 88.9, 88.4, 88.5, 88.0)),
        _network(f'{R101}_lfpn', 'ResNet-101 + IFPN', _levels(86.0, 85.8, 87.2, 88.1, 87.8, 88.3, 85.8)),
        _network(f'{R101}_fem', 'ResNet-101 + FEM', _levels(85.2, 85.1, 87.2, 88.4, 88.6, 88.2, 85.4)),
    ),
    'table2': _reuse(),
    'table3': _blocks(),
    'table4': _dense(),
    'table5': _spaces(),
    'table6': (
        _network(f'{R50}_fpn', 'ResNet-50 + FPN', _subsets(95.1, 94.4, 87.8)),
        _network(f'{R50}_lfpn', 'ResNet-50 + IFPN', _subsets(94.9, 94.3, 88.2)),
        _network(f'{R50}_fem', 'ResNet-50 + FEM', _subsets(95.4, 94.8, 88.0)),
        _network('table6_resnet50_nasfpn', 'ResNet-50 + NAS-FPN', _subsets(95.3, 94.2, 88.6)),
        Row(
            'resnet50_ours', 'ResNet-50 + Ours', _subsets(95.7, 94.6, 89.4),
            'table6_resnet50_ours', ('search_table6',),
        ),
    ),
    'table7': (
        Row(
            'intuitive', 'Intuitive search', _subsets(95.6, 94.8, 89.2),
            'supernet', ('search_backbone', 'search_intuitive'),
        ),
        Row(
            'two_step', 'Two-step search', _subsets(95.8, 95.2, 89.7),
            'supernet_two_step', ('search_two_step',),
        ),
        JOINT,
    ),
    'table8': (
        Row(
            'evolution', 'Evolutionary algorithm', _subsets(96.4, 95.7, 90.8),
            'supernet', ('search_evolution',),
        ),
        Row('random', 'Random search', JOINT.paper, JOINT.config, JOINT.searches),
    ),
    'table9': (
        _network(f'{R50}_fpn', 'ResNet-50 + FPN', {MACS: 3.8, **_subsets(95.1, 94.4, 87.8)}),
        _network(f'{R101}_fpn', 'ResNet-101 + FPN', {MACS: 7.6, **_subsets(94.9, 93.5, 86.2)}),
        _network('table9_densenet121_fpn', 'DenseNet-121 + FPN', {MACS: 3.0, **_subsets(95.3, 93.4, 88.5)}),
        Row(
            'ours_fpn', 'Ours + FPN', {MACS: 2.9, **_subsets(95.7, 95.1, 90.2)},
            'table5_fdb4', ('search_table5_fdb4',), {'search.constraints.backbone_macs.max': 2.9e9},
        ),
        Row(
            'ours_final', 'Ours (final model)', {MACS: 4.1, **_subsets(96.5, 95.7, 91.7)},
            'supernet', ('search',), {'search.constraints.backbone_macs.max': 4.1e9},
        ),
    ),
}  # fmt: skip


def config_name(name: str) -> str:
    """Name of the config of a network or search of the paper.

    Args:
        name: the folder of its results, ``'supernet'`` or ``'table5_fdb4'``; or its config below
            ``configs/paper``.

    >>> config_name('table5_fdb4')
    'paper/table5/bfbox_supernet_fdb4_wider_face'
    """
    return current_name(f'paper/{name}')


def rows_of(table: str, only: str | None = None) -> tuple[Row, ...]:
    """The rows of a table, or the one that is named.

    Raises:
        UserError: there is no such row; the message names those that exist.
    """
    rows = TABLES[table]
    chosen = tuple(row for row in rows if only in (None, row.name))
    if not chosen:
        known = ', '.join(row.name for row in rows)
        raise UserError(f'{table} has no row {only!r}; its rows are {known}')
    return chosen
