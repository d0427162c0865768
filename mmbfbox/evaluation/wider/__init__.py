"""WIDER FACE: protocol, files, ground truth, report."""
