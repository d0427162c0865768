# How light networks are trained from scratch.
_base_ = './mini.py'
