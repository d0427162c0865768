# A light detector from stride 4: four levels with one anchor at each place, 16 to 128 pixels.
_base_ = './light_detector.py'

model = dict(
    bbox_head=dict(
        anchor_generator=dict(
            _delete_=True,
            type='AnchorGenerator',
            scales=[4],
            ratios=[1.0],
            strides=[4, 8, 16, 32],
            center_offset=0.5,
        ),
    ),
    train_cfg=dict(assigner=dict(margin=2.0)),
)
