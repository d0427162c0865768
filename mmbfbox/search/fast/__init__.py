"""The fast scorer: the reference scorer's scores from one resident supernet, images and activations."""

from mmbfbox.search.fast.scorer import FastScorer

__all__ = ['FastScorer']
