"""Steps of the chain: what they are made from, running those that are missing."""
