# How every network of the paper is trained from scratch: WIDER FACE, 80 k iterations.
_base_ = ['../datasets/wider_face.py', '../schedules/sgd.py', '../default_runtime.py']

# Nothing is chosen by the held-out images any more.
train_dataloader = dict(dataset=dict(part=None))
