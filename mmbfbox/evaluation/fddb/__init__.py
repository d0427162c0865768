"""FDDB: protocol and files."""

from mmbfbox.evaluation.fddb.protocol import (
    FddbCurve,
    draw_region,
    evaluate_fddb,
    match_image,
    region_overlaps,
)

__all__ = ['FddbCurve', 'draw_region', 'evaluate_fddb', 'match_image', 'region_overlaps']
