# The supernet of light detectors of 0.5 G multiply-adds at VGA.
_base_ = [
    '../../_base_/models/light_supernet_0.5g.py',
    '../../_base_/trainings/recommended_supernet.py',
]

final_config = 'light/0.5g/bfbox_subnet_light-0.5g_wider_face.py'
