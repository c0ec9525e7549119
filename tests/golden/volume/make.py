#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reference numbers for tests/unit/common_regrid.c: a volume resampled to other grids by SimpleITK, linearly.

    python3 -m venv v && v/bin/pip install numpy SimpleITK        # versions used: head of regrid.h
    v/bin/python tests/golden/volume/make.py                       # writes regrid.h beside it

Affines are ours: columns x y z offset -> mm RAS. SimpleITK thinks in LPS, so the first two rows change sign. The old volume has
(z*37 + y*101 + x*211 + z*y*7 + y*x*13) % 1009 - 500 in voxel z, y, x.
"""
import pathlib

import numpy as np
import SimpleITK as sitk

LPS = np.diag([-1.0, -1.0, 1.0])


def rotation(a, b, c):
    ca, sa, cb, sb, cc, sc = np.cos(a), np.sin(a), np.cos(b), np.sin(b), np.cos(c), np.sin(c)
    return (np.array([[1, 0, 0], [0, ca, -sa], [0, sa, ca]]) @ np.array([[cb, 0, sb], [0, 1, 0], [-sb, 0, cb]]) @
            np.array([[cc, -sc, 0], [sc, cc, 0], [0, 0, 1]]))


def grid(dim_zyx, spacing_zyx, direction, origin_ras):
    """direction: columns are the unit vectors of x, y, z in RAS"""
    return dict(dim=dim_zyx, spacing=spacing_zyx, direction=np.asarray(direction, float), origin=np.asarray(origin_ras, float))


def image(g, values=None):
    i = sitk.Image(int(g["dim"][2]), int(g["dim"][1]), int(g["dim"][0]), sitk.sitkFloat64) if values is None else \
        sitk.GetImageFromArray(values.astype(np.float64))
    i.SetSpacing([float(s) for s in g["spacing"][::-1]])
    i.SetDirection((LPS @ g["direction"]).ravel().tolist())
    i.SetOrigin((LPS @ g["origin"]).tolist())
    return i


def affine(g):
    return np.hstack([g["direction"] * np.asarray(g["spacing"][::-1])[None, :], g["origin"][:, None]])


AXIAL = np.diag([-1.0, -1.0, 1.0])  # x left, y back, z head: what loaded scans look like
pet = grid((5, 6, 7), (3.0, 2.036, 2.036), AXIAL, (8.11, 7.03, -4.17))
cases = [
    ("finer", grid((9, 13, 12), (2.1, 0.977, 1.2), AXIAL, (7.3, 6.2, -6.03)), pet),
    ("runs the other way", grid((9, 13, 12), (2.1, 0.977, 1.2), np.diag([1.0, 1.0, -1.0]), (-5.9, -5.5, 10.77)), pet),
    ("axes exchanged", grid((12, 9, 13), (1.2, 2.1, 0.977), np.array([[0, 0, -1], [-1, 0, 0], [0, 1, 0]], float), (7.3, 6.2, -6.03)), pet),
    ("askew", grid((9, 13, 12), (2.1, 0.977, 1.2), AXIAL @ rotation(0.21, -0.13, 0.34), (7.3, 6.2, -4.03)), pet),
    ("coarser", grid((3, 3, 4), (6.4, 5.1, 4.4), AXIAL, (9.3, 8.2, -5.03)), pet),
    ("one slice", grid((1, 13, 12), (2.1, 0.977, 1.2), AXIAL, (7.3, 6.2, 1.63)), pet),
    ("elsewhere", grid((3, 3, 4), (2, 2, 2), AXIAL, (99.3, 8.2, -5.03)), pet),
]


def numbers(values):
    return "{" + ", ".join(f"{float(v):.17g}" for v in np.asarray(values).ravel()) + "}"


with open(pathlib.Path(__file__).with_name("regrid.h"), "w") as out:
    out.write(f"/* Made by tests/golden/volume/make.py with SimpleITK {sitk.Version_VersionString()}, numpy {np.__version__}. */\n")
    out.write("static const struct regrid_case {\n    const char *name;\n    struct grid from, to;\n    double value[210];\n} regrid_cases[] = {\n")
    for name, old, new in cases:
        D, H, W = old["dim"]
        z, y, x = np.meshgrid(np.arange(D), np.arange(H), np.arange(W), indexing="ij")
        values = (z * 37 + y * 101 + x * 211 + z * y * 7 + y * x * 13) % 1009 - 500
        made = sitk.GetArrayFromImage(sitk.Resample(image(old, values), image(new), sitk.Transform(), sitk.sitkLinear, -1024.0))
        assert made.shape == tuple(new["dim"])
        print(name, "outside:", int((made == -1024).sum()), "of", made.size)
        out.write(f'    {{"{name}",\n')
        for g in (old, new):
            rows = ", ".join(numbers(r) for r in affine(g))
            out.write(f'     {{{{{", ".join(map(str, g["dim"]))}}}, {numbers(g["spacing"])},\n      {{{rows}}}}},\n')
        flat = [f"{v:.9g}" for v in made.ravel()]
        out.write("     {" + ",\n      ".join(", ".join(flat[i:i + 10]) for i in range(0, len(flat), 10)) + "}},\n")
    out.write("};\n")
