"""Steps of the chain: what each reads and leaves, what it was made from, running those that are missing."""
