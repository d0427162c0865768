# How the demo trains an architecture from scratch: data and schedule, no model. The export puts the
# architecture in and writes the config that is trained and tested (tools/export_subnet.py).
_base_ = '../_base_/trainings/demo.py'
