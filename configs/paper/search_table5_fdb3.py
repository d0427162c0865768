# Table 5, FDB(3) + FPN: the search in its supernet.
_base_ = ['./table5_fdb3.py', '../_base_/search_table5.py']
