# The search among detectors of the 0.5 G class. Networks that leave multiply-adds unused, or spend them at
# coarse levels, where parameters are many, end worse in the pool: docs/lab/fidelity.md.
_base_ = './light.py'

search = dict(constraints=dict(detector_macs=dict(min=4.8e8, max=5.08e8), params=dict(max=3.5e5)))
