# A network that the search of this folder found (docs/lab/fidelity.md): second of its finalists, and the
# better one of two that were trained for longer; 0.50 G multiply-adds at VGA, 0.25 M parameters.
_base_ = './bfbox_reference_light-0.5g_wider_mini.py'

model = dict(
    backbone=dict(
        stages=[
            ['basic3'],
            ['conv3e50', 'basic3', 'basic3e50'],
            ['basic3e150', 'conv3e50', 'basic3e50'],
            ['conv3e50'],
        ],
    ),
    neck=dict(merges=['p5 = c5 + c3', 'p3 = c3 + c5', 'p4 = c4 + c3'], norm_cfg=_base_.norm),
)
