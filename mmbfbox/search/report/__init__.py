"""What a search found: one self-contained page, its figures as PNG, and a table of the best."""

from mmbfbox.search.report.effects import Effect, choice_effects, edge_effects
from mmbfbox.search.report.figures import draw, write_figures
from mmbfbox.search.report.summary import pareto_front, readable, table
from mmbfbox.search.report.write import BEST, write_report

__all__ = [
    'BEST',
    'Effect',
    'choice_effects',
    'draw',
    'edge_effects',
    'pareto_front',
    'readable',
    'table',
    'write_figures',
    'write_report',
]
