"""Which anchors learn which face."""
