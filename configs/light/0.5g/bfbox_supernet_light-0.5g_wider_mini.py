# The supernet of the chain on wider_mini, which takes twenty minutes in all on two cores.
_base_ = ['../../_base_/models/light_supernet_0.5g.py', '../../_base_/trainings/light_supernet.py']

final_config = 'light/0.5g/bfbox_subnet_light-0.5g_wider_mini.py'
