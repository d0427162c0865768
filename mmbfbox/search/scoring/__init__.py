"""What a score is (``interface``, ``reference``), and getting it quickly (``fast``)."""

from mmbfbox.search.scoring.interface import ScoreError, Scorer

__all__ = ['ScoreError', 'Scorer']
