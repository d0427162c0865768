# The searches of the light families. Multiply-adds are those of the whole detector for one VGA image, as
# SCRFD counts them. A family sets their maximum; search.constraints.latency_ms.max may join it.
_base_ = './default.py'

# On few images medium AP is less noisy than hard AP.
search = dict(candidates=300, size=(480, 640), metric='medium')
