"""Turning an arch and a supernet into an ordinary mmdet config and checkpoint."""

from mmbfbox.export.subnet import subnet_model, subnet_weights, write_subnet

__all__ = ['subnet_model', 'subnet_weights', 'write_subnet']
