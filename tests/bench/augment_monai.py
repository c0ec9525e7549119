#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""augment_monai -- boxes a second through MONAI's five augmentations, p 0.8 each, on one core: augment.c's peer.   tests/bench

Needs MONAI and PyTorch (tests/golden/augment/make.py says how); prints one line in augment.c's form. The same boxes, ranges
and probabilities; MONAI at its best for one core: one thread, torch tensors, no metadata to carry. Timed on --boxes boxes.
"""
import argparse
import os
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
try:
    import monai
    import numpy as np
    import torch
except ImportError as missing:
    print(f"skipped: {missing}", file=sys.stderr)
    sys.exit(77)
from monai.data.meta_obj import set_track_meta
from monai.transforms import Compose, RandAffine, RandFlip, RandGaussianNoise, RandHistogramShift, RandRotate

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("--boxes", type=int, default=1024)
arguments.add_argument("--p", type=float, default=0.8)
a = arguments.parse_args()

torch.set_num_threads(1)
set_track_meta(False)
p = a.p
chain = Compose([
    RandAffine(prob=p, rotate_range=[0.3] * 3, shear_range=[0.1] * 6, translate_range=[2] * 3, scale_range=[0.1] * 3, padding_mode="reflection"),
    RandFlip(prob=p, spatial_axis=None),
    RandRotate(prob=p, range_x=0.5, range_y=0.5, range_z=0.5, keep_size=True, padding_mode="border", dtype=np.float32),
    RandGaussianNoise(prob=p, mean=0.0, std=0.1),
    RandHistogramShift(prob=p, num_control_points=10),
])
chain.set_random_state(1)
z, y, x = np.meshgrid(np.arange(16), np.arange(16), np.arange(16), indexing="ij")
box = torch.as_tensor((np.sin(0.3 * z) * np.cos(0.2 * y) + 0.05 * x).astype(np.float32)[None])
for _ in range(32):
    chain(box)
best = float("inf")
for _ in range(3):
    begun = time.perf_counter()
    for n in range(a.boxes):
        chain(box)
    best = min(best, (time.perf_counter() - begun) / a.boxes)
print(f"augment_monai affine,flip,rotate,noise,histogram p={p} boxes_per_s={1 / best:.0f} us_per_box={best * 1e6:.1f} cores=1 "
      f"load={os.getloadavg()[0]:.2f} monai={monai.__version__} torch={torch.__version__}")
