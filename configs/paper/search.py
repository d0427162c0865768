# Step 2: 10,000 random candidates, batch norm recalibrated on 500 training images, scored by hard AP
# on 200 images that are held out of training. (The paper scores on validation images: search_val.py.)
_base_ = './supernet.py'

search = dict(
    candidates=10000,
    seed=0,
    metric='hard',
    size=(640, 640),
    # Rejected before scoring, like limits=dict(backbone_macs=dict(max=2.9e9)); also detector_macs, params.
    limits=dict(),
    # How many of the best are listed and written as archs.
    best=20,
)
held_out_evaluator = dict(type='WiderFaceMetric')
