# The second half: the pyramid alone, on the best backbone of bfbox_search_backbone_wider_face.py, which must
# have been run with --work-dir work_dirs/search_backbone.
_base_ = '../bfbox_search_wider_face.py'

search = dict(freeze=dict(backbone='work_dirs/search_backbone/best/01.json'))
