"""Pages of trainings: one run with its curves, scores and pictures, or several beside each other."""

from mmbfbox.pipeline.run_report.source import Run, read_run
from mmbfbox.pipeline.run_report.write import PAGE, write_comparison, write_training_report

__all__ = ['PAGE', 'Run', 'read_run', 'write_comparison', 'write_training_report']
