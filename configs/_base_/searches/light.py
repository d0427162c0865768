# The searches of the light families. Multiply-adds are those of the whole detector for one VGA image, as
# SCRFD counts them. A family sets their maximum; search.constraints.latency_ms.max may join it.
_base_ = './default.py'

# On few images medium AP is less noisy than hard AP.
search = dict(
    candidates=300,
    size=(480, 640),
    metric='medium',
    # Batch norm of candidates: on training crops, whose statistics final networks are tested with.
    recalibration='crops',
    # What is trained in the end, and compared after a ninth, a third and the whole of the final_config's
    # training. A family names its baseline; finalists=None trains nothing.
    finalists=dict(best=16, controls=4, rungs=[1 / 9, 1 / 3, 1], keep=[5, 2]),
)
