# Table 8, "Evolutionary Algorithm": SPOS's search in the joint space, 20 generations of 50.
_base_ = '../bfbox_search_wider_face.py'

search = dict(
    candidates=1000,
    sampler=dict(type='evolution', population=50, top=10, mutation=0.1),
)
