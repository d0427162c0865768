# How an architecture of this family is trained from scratch: data and schedule, no model. The export puts the
# architecture in (tools/export_subnet.py).
_base_ = '../../_base_/trainings/light.py'
