# The detector with four levels, strides 4 to 32.
_base_ = './face_detector.py'

model = dict(
    data_preprocessor=dict(pad_size_divisor=32),
    bbox_head=dict(anchor_generator=dict(strides=[4, 8, 16, 32])),
)
