"""Building blocks of backbones and necks."""
