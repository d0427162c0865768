# Step 2: 10,000 random candidates, batch norm recalibrated on 500 training images, scored by hard AP
# on 200 images that are held out of training. (The paper scores on validation images: search_val.py.)
_base_ = ['./supernet.py', '../_base_/search.py']

search = dict(
    candidates=10000,
    size=(640, 640),
    best=20,
)
