# The final training of the chain on wider_mini, which takes twenty minutes in all on two cores.
_base_ = ['../_base_/models/bfbox_tiny.py', '../_base_/trainings/mini.py']
