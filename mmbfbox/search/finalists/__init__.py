"""Finalists: the best candidates of a search, random controls and a baseline, trained by successive halving.

What is trained, which go on and what that shows; ``mmbfbox/pipeline/finalists.py`` trains them.
"""
