#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make -- what MONAI makes of one small box with given parameters: cases.tsv and boxes.bin.   tests/golden

MONAI 1.0.1 (the version the authors' released code used), PyTorch 1.13, NumPy; in double precision, stored as float32.
    python3 -m venv --system-site-packages venv && venv/bin/pip install --no-deps monai==1.0.1     (torch: apt install python3-torch)
    venv/bin/python make.py
cases.tsv: name, augmentation, channels, parameters in the order of the draws in stages/pairs/augment.h. boxes.bin: a box a channel
of a case.
"""
import sys
import monai, numpy as np, torch
from monai.transforms import AdjustContrast, Affine, Flip, RandHistogramShift, Rotate

z, y, x = np.meshgrid(np.arange(16), np.arange(16), np.arange(16), indexing="ij")
k = (z * 37 + y * 101 + x * 211 + z * y * 7 + y * x * 13 + z * x * 5) % 1009
box = (k.astype(np.float32) / np.float32(1009) - np.float32(0.5)).astype(np.float64)[None]
j = (z * 53 + y * 17 + x * 97 + z * x * 11) % 613
second = (j.astype(np.float32) / np.float32(613) * np.float32(2.5) - np.float32(1.75)).astype(np.float64)[None]
pet = box


def affine(p):
    t = Affine(rotate_params=p[0:3], shear_params=p[3:9], translate_params=p[9:12], scale_params=p[12:15],
               padding_mode="reflection", mode="bilinear", dtype=np.float64, image_only=True)
    return t(torch.as_tensor(box))


def rotate(p):
    return Rotate(angle=p, keep_size=True, mode="bilinear", padding_mode="border", align_corners=False, dtype=np.float64)(torch.as_tensor(box))


def histogram(p):
    t = RandHistogramShift(num_control_points=len(p), prob=1.0)
    t._do_transform = True
    t.reference_control_points, t.floating_control_points = np.linspace(0, 1, len(p)), np.array(p)
    return t(torch.as_tensor(box), randomize=False)


cases = [
    ("affine_small", "affine", affine, [0.1, -0.2, 0.15, 0.05, -0.08, 0.1, 0.02, -0.06, 0.09, 1.0, -0.5, 0.75, 1.1, 0.95, 0.9]),
    ("affine_beyond", "affine", affine, [2.1, -0.7, 1.3, 0.3, -0.2, 0.1, 0.25, -0.4, 0.15, 9.0, -21.5, 4.25, 1.6, 0.7, 1.3]),
    ("affine_identity", "affine", affine, [0.0] * 12 + [1.0] * 3),
    ("rotate_small", "rotate", rotate, [0.2, -0.1, 0.25]),
    ("rotate_beyond", "rotate", rotate, [5.5, -8.25, 9.75]),
    ("flip", "flip", lambda p: Flip(spatial_axis=None)(torch.as_tensor(box)), []),
    ("histogram", "histogram", histogram, [0.0, 0.03, 0.11, 0.35, 0.36, 0.62, 0.625, 0.8, 0.97, 1.0]),
    ("contrast_low", "contrast", lambda p: AdjustContrast(p[0])(torch.as_tensor(box)), [0.5]),
    ("contrast_high", "contrast", lambda p: AdjustContrast(p[0])(torch.as_tensor(box)), [4.5]),
]

# both channels at once, as an array of two channels goes through MONAI
apart, together = [(1, *case) for case in cases], [(2, "two_" + name, *rest) for name, *rest in cases]

with open("cases.tsv", "w") as table, open("boxes.bin", "wb") as boxes:
    table.write(f"# python {sys.version.split()[0]}, MONAI {monai.__version__}, torch {torch.__version__}, numpy {np.__version__}\n")
    for channels, name, kind, make, parameters in apart + together:
        box = pet if channels == 1 else np.concatenate([pet, second])
        made = np.asarray(make(parameters)).astype("<f4")
        assert made.shape == (channels, 16, 16, 16), made.shape
        boxes.write(made.tobytes())
        table.write("\t".join([name, kind, str(channels)] + [repr(p) for p in parameters]) + "\n")
