"""Necks: the attention FPN, searchable and fixed, and those that the paper compares with."""
