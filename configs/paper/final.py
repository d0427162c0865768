# Trains the exported best architecture from scratch. tools/export_subnet.py puts the architecture in
# the place of the searchable backbone and neck.
_base_ = [
    '../_base_/models/bfbox.py',
    '../_base_/datasets/wider_face.py',
    '../_base_/schedules/sgd.py',
    '../_base_/default_runtime.py',
]

# Nothing is chosen by the held-out images any more.
train_dataloader = dict(dataset=dict(part=None))
