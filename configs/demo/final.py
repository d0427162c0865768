# The demo's final training: the exported architecture from scratch.
_base_ = ['../_base_/models/bfbox_tiny.py', '../_base_/trainings/demo.py']
