"""The detection head and what its anchors shall say."""
