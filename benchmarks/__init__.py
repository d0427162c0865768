"""Measurements of mmbfbox; README.md says which question each script answers."""
