# Table 5, ICB(4) + FPN: the search in its supernet.
_base_ = ['./table5_icb4.py', '../_base_/search_table5.py']
