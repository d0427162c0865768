# The first half of table 7's "Intuitive Search Method": only the backbone, with the topology of a plain FPN.
_base_ = ['../bfbox_supernet_wider_face.py', '../../_base_/searches/plain_fpn.py']
