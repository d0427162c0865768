"""Backbones: ours, searchable and fixed, and those of the paper's baselines that mmdet lacks."""
