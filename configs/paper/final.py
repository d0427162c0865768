# Trains the exported best architecture from scratch. tools/export_subnet.py puts the architecture in
# the place of the searchable backbone and neck.
_base_ = ['../_base_/models/bfbox.py', '../_base_/trainings/paper.py']
