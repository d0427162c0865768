# Table 5, FDB(8) + FPN: the search in its supernet.
_base_ = ['./table5_fdb8.py', '../_base_/search_table5.py']
