"""The files that one step writes and another reads: a dataclass each, and nobody else opens them."""
