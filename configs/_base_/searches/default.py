# What every search has in common: hard AP on images that are held out of training.
search = dict(
    seed=0,
    metric='hard',
    # What a candidate may cost, like constraints=dict(backbone_macs=dict(max=2.9e9)); also detector_macs,
    # params, latency_ms. docs/search.md has all keys.
    constraints=dict(),
    # How many of the best are listed and written as archs.
    best=10,
    # How many of the best become configs and weights, scored once more by the reference scorer.
    export=1,
)
held_out_evaluator = dict(type='WiderFaceMetric')
