# Table 7, "Intuitive Search Method": the pyramid alone, on the best backbone of search_backbone.py, which
# must have been run in its own work dir.
_base_ = './search.py'

search = dict(freeze=dict(backbone='work_dirs/search_backbone/best/01.json'))
