# Table 5, FDB(4) + FPN: the search in its supernet.
_base_ = ['./bfbox_supernet_fdb4_wider_face.py', '../../_base_/searches/plain_fpn.py']
