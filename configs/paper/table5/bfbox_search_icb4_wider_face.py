# Table 5, ICB(4) + FPN: the search in its supernet.
_base_ = ['./bfbox_supernet_icb4_wider_face.py', '../../_base_/searches/plain_fpn.py']
