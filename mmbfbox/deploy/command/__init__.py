"""The parts of the command ``mmbfbox``."""
