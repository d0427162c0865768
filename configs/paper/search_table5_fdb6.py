# Table 5, FDB(6) + FPN: the search in its supernet.
_base_ = ['./table5_fdb6.py', '../_base_/search_table5.py']
