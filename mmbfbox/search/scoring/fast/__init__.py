"""The fast scorer: the reference scorer's scores from one resident supernet, images and activations."""

from mmbfbox.search.scoring.fast.scorer import FastScorer

__all__ = ['FastScorer']
