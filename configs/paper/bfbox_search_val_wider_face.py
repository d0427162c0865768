# The paper's own choice: candidates are scored on 200 validation images, so the reported validation AP
# has been selected for.
_base_ = './bfbox_search_wider_face.py'

held_out_dataloader = dict(
    dataset=dict(
        ann_file='wider_face_split/wider_face_val_bbx_gt.txt',
        data_prefix=dict(img='WIDER_val/images'),
    )
)
held_out_evaluator = _base_.test_evaluator
