# Table 5, FDB(4) + FPN: the search in its supernet.
_base_ = ['./table5_fdb4.py', '../_base_/search_table5.py']
