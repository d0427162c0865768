# Step 2: 10,000 random candidates, batch norm recalibrated on 500 training images, scored by hard AP on
# 200 images that are held out of training. (The paper scores on validation images, as
# bfbox_search_val_wider_face.py does.)
_base_ = ['./bfbox_supernet_wider_face.py', '../_base_/searches/paper.py']
