"""Configs that have moved: an old path or name works, with one line that says the new one."""

from __future__ import annotations

MOVED_CONFIGS = {
    '_base_/models/bfbox': '_base_/models/bfbox_supernet',
    '_base_/models/bfbox_tiny': '_base_/models/bfbox_supernet_tiny',
    '_base_/models/resnet18_tiny': '_base_/models/retinanet_r18_fpn_tiny',
    '_base_/models/retinanet_r50': '_base_/models/retinanet_r50_fpn',
    '_base_/search': '_base_/searches/default',
    '_base_/search_table5': '_base_/searches/plain_fpn',
    'demo/baseline': 'demo/retinanet_r18_fpn_demo',
    'demo/final': 'demo/bfbox_subnet_demo',
    'demo/search': 'demo/bfbox_search_demo',
    'demo/supernet': 'demo/bfbox_supernet_demo',
    'mini/baseline': 'mini/retinanet_r18_fpn_wider_mini',
    'mini/final': 'mini/bfbox_subnet_wider_mini',
    'mini/search': 'mini/bfbox_search_wider_mini',
    'mini/supernet': 'mini/bfbox_supernet_wider_mini',
    'paper/figure1_inceptionv4_fpn': 'paper/figure1/retinanet_inceptionv4_fpn_wider_face',
    'paper/final': 'paper/bfbox_subnet_wider_face',
    'paper/retinanet_r50': 'paper/retinanet_r50_fpn_wider_face',
    'paper/search': 'paper/bfbox_search_wider_face',
    'paper/search_backbone': 'paper/table7/bfbox_search_backbone_wider_face',
    'paper/search_evolution': 'paper/table8/bfbox_search_evolution_wider_face',
    'paper/search_intuitive': 'paper/table7/bfbox_search_pyramid_wider_face',
    'paper/search_table5_fdb3': 'paper/table5/bfbox_search_fdb3_wider_face',
    'paper/search_table5_fdb4': 'paper/table5/bfbox_search_fdb4_wider_face',
    'paper/search_table5_fdb6': 'paper/table5/bfbox_search_fdb6_wider_face',
    'paper/search_table5_fdb8': 'paper/table5/bfbox_search_fdb8_wider_face',
    'paper/search_table5_icb4': 'paper/table5/bfbox_search_icb4_wider_face',
    'paper/search_table6': 'paper/table6/bfbox_search_r50_wider_face',
    'paper/search_two_step': 'paper/table7/bfbox_search_two-step_wider_face',
    'paper/search_val': 'paper/bfbox_search_val_wider_face',
    'paper/supernet': 'paper/bfbox_supernet_wider_face',
    'paper/supernet_two_step': 'paper/table7/bfbox_supernet_two-step_wider_face',
    'paper/table1_resnet101_fem': 'paper/table1/retinanet_r101_fem_wider_face',
    'paper/table1_resnet101_fpn': 'paper/table1/retinanet_r101_fpn_wider_face',
    'paper/table1_resnet101_lfpn': 'paper/table1/retinanet_r101_lfpn_wider_face',
    'paper/table1_resnet152_fpn': 'paper/table1/retinanet_r152_fpn_wider_face',
    'paper/table1_resnet50_fem': 'paper/table1/retinanet_r50_fem_wider_face',
    'paper/table1_resnet50_fpn': 'paper/retinanet_r50_fpn_wider_face',
    'paper/table1_resnet50_lfpn': 'paper/table1/retinanet_r50_lfpn_wider_face',
    'paper/table2_reuse': 'paper/table2/retinanet_r50_fpn-reuse_wider_face',
    'paper/table3_conv11': 'paper/table3/retinanet_r50-conv11_fpn_wider_face',
    'paper/table3_conv3': 'paper/table3/retinanet_r50-conv3_fpn_wider_face',
    'paper/table3_conv5': 'paper/table3/retinanet_r50-conv5_fpn_wider_face',
    'paper/table3_conv7': 'paper/table3/retinanet_r50-conv7_fpn_wider_face',
    'paper/table3_conv9': 'paper/table3/retinanet_r50-conv9_fpn_wider_face',
    'paper/table3_dw3': 'paper/table3/retinanet_r50-dw3_fpn_wider_face',
    'paper/table3_dw3_5': 'paper/table3/retinanet_r50-dw3-5_fpn_wider_face',
    'paper/table3_dw3_7': 'paper/table3/retinanet_r50-dw3-7_fpn_wider_face',
    'paper/table3_dw5': 'paper/table3/retinanet_r50-dw5_fpn_wider_face',
    'paper/table3_dw5_7': 'paper/table3/retinanet_r50-dw5-7_fpn_wider_face',
    'paper/table3_dw7': 'paper/table3/retinanet_r50-dw7_fpn_wider_face',
    'paper/table3_dw9': 'paper/table3/retinanet_r50-dw9_fpn_wider_face',
    'paper/table4_dense2x16': 'paper/table4/retinanet_r50-dense2x16_fpn_wider_face',
    'paper/table4_dense2x32': 'paper/table4/retinanet_r50-dense2x32_fpn_wider_face',
    'paper/table4_dense3x16': 'paper/table4/retinanet_r50-dense3x16_fpn_wider_face',
    'paper/table4_dense3x32': 'paper/table4/retinanet_r50-dense3x32_fpn_wider_face',
    'paper/table5_fdb3': 'paper/table5/bfbox_supernet_fdb3_wider_face',
    'paper/table5_fdb4': 'paper/table5/bfbox_supernet_fdb4_wider_face',
    'paper/table5_fdb6': 'paper/table5/bfbox_supernet_fdb6_wider_face',
    'paper/table5_fdb8': 'paper/table5/bfbox_supernet_fdb8_wider_face',
    'paper/table5_fdb_depth3': 'paper/table5/bfbox_supernet_fdb-depth3_wider_face',
    'paper/table5_fdb_depth6': 'paper/table5/bfbox_supernet_fdb-depth6_wider_face',
    'paper/table5_fdb_depth8': 'paper/table5/bfbox_supernet_fdb-depth8_wider_face',
    'paper/table5_icb4': 'paper/table5/bfbox_supernet_icb4_wider_face',
    'paper/table6_resnet50_nasfpn': 'paper/table6/retinanet_r50_nasfpn_wider_face',
    'paper/table6_resnet50_ours': 'paper/table6/bfbox_supernet_r50_wider_face',
    'paper/table9_densenet121_fpn': 'paper/table9/retinanet_densenet121_fpn_wider_face',
}
"""Old name of a config to its new one, both below the folder of configs and without ``.py``."""


def current_name(name: str) -> str:
    """The name of a config today.

    Args:
        name: below the folder of configs, without ``.py``; one that has not moved stays as it is.

    >>> current_name('paper/supernet')
    'paper/bfbox_supernet_wider_face'
    """
    return MOVED_CONFIGS.get(name, name)
