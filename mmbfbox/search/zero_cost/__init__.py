"""Scores of untrained networks: features of the fit and columns of the report, never the order alone."""

from mmbfbox.search.zero_cost.scores import ZERO_COST, ZeroCost

__all__ = ['ZERO_COST', 'ZeroCost']
