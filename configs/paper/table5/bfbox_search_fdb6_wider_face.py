# Table 5, FDB(6) + FPN: the search in its supernet.
_base_ = ['./bfbox_supernet_fdb6_wider_face.py', '../../_base_/searches/plain_fpn.py']
