#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reference numbers for tests/unit/roi_*.c: shapes by SimpleITK, components and smoothing by SciPy.

    python3 -m venv v && v/bin/pip install numpy==1.26.4 scipy==1.17.1 SimpleITK==2.5.7
    v/bin/python tests/golden/roi/make.py        # writes shapes.h, axes.h, components.h, smooth.h beside it

Arrays are [z][y][x]; points and sizes are written z y x; rows of principal axes are x y z, variance ascending (ITK's own
order); oriented sizes are written largest variance first. Axes that ITK cannot determine (equal variances) are not compared.
"""
import pathlib

import numpy as np
import scipy
import scipy.ndimage as nd
import SimpleITK as sitk

rng = np.random.default_rng(20240607)
SPACINGS = [(1.0, 1.0, 1.0), (3.0, 2.036, 2.5)]


def numbers(values):
    return "{" + ", ".join(repr(float(v)) for v in np.asarray(values).ravel()) + "}"  # a minus zero stays one


def integers(values):
    return "{" + ", ".join(str(int(v)) for v in np.asarray(values).ravel()) + "}"


def runs(mask):
    out = []
    rows = mask.reshape(-1, mask.shape[2])
    for row, line in enumerate(rows):
        edge = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(int), [0]])))
        out += [(row, b, e) for b, e in zip(edge[::2], edge[1::2])]
    return out


def ellipsoid(dim, centre, matrix, limit):
    p = np.stack(np.meshgrid(*map(np.arange, dim), indexing="ij"), -1) - np.array(centre, float)
    return np.einsum("...i,ij,...j->...", p, np.array(matrix, float), p) <= limit


def shapes():
    one = np.zeros((4, 5, 6), bool)
    one[2, 3, 1] = True
    line = np.zeros((4, 5, 9), bool)
    line[1, 2, 2:8] = True
    diagonal = np.zeros((7, 7, 7), bool)
    for k in range(1, 6):
        diagonal[k, k, 6 - k] = True
    brick = np.zeros((8, 9, 12), bool)
    brick[1:5, 2:8, 1:11] = True
    corner = np.zeros((9, 9, 9), bool)
    corner[1:3, 1:3, 1:8] = corner[1:3, 1:6, 1:3] = corner[1:7, 1:3, 1:3] = True
    corner[3, 3, 3] = corner[5, 1, 3] = True
    tilted = ellipsoid((14, 16, 18), (6.5, 7.2, 8.4), [[3, 1, -0.5], [1, 1.5, -0.6], [-0.5, -0.6, 1]], 20)
    blob = nd.gaussian_filter(rng.standard_normal((16, 15, 17)), 2.0)
    label, _ = nd.label(blob > 0.05)
    blob = label == np.bincount(label.ravel())[1:].argmax() + 1
    return {"one": one, "line": line, "diagonal": diagonal, "brick": brick, "corner": corner, "tilted": tilted, "blob": blob}


def measure(mask, spacing):
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(spacing[::-1])
    f = sitk.LabelShapeStatisticsImageFilter()
    f.ComputeOrientedBoundingBoxOn()
    f.Execute(image)
    moments = np.array(f.GetPrincipalMoments(1))
    top = max(moments[2], 1e-12)
    known = [abs(moments[i] - moments[j]) > 1e-6 * top and abs(moments[i] - moments[k]) > 1e-6 * top
             for i, j, k in ((0, 1, 2), (1, 0, 2), (2, 0, 1))]
    box = f.GetBoundingBox(1)
    return dict(centroid=f.GetCentroid(1)[::-1], low=box[:3][::-1], high=[b + s - 1 for b, s in zip(box[:3], box[3:])][::-1],
                moments=moments, axes=f.GetPrincipalAxes(1), known=known, size=f.GetOrientedBoundingBoxSize(1)[::-1],
                sizes_known=all(known))


def header(out):
    print("/* Reference numbers by make.py: numpy %s, scipy %s, SimpleITK %s. */"
          % (np.__version__, scipy.__version__, sitk.Version().VersionString()), file=out)


def write_runs(out, name, r):
    print(f"static const int {name}[][3] = {{" + ", ".join(integers(x) for x in r) + "};", file=out)


def write_shapes(out):
    header(out)
    print("struct golden_form { double spacing[3], centroid[3], moments[3], axes[9], size[3]; int known[3], size_known; };\n"
          "struct golden_shape {\n    const char *name;\n    long dim[3], voxels;\n    int low[3], high[3];\n"
          "    struct golden_form form[2];\n    int runs;\n    const int (*run)[3]; /* row, begin, end */\n};", file=out)
    table = []
    for name, mask in shapes().items():
        r = runs(mask)
        write_runs(out, f"golden_{name}", r)
        forms = []
        for spacing in SPACINGS:
            m = measure(mask, spacing)
            forms.append("{%s, %s, %s,\n      %s,\n      %s, %s, %d}" % (numbers(spacing), numbers(m["centroid"]),
                         numbers(m["moments"]), numbers(m["axes"]), numbers(m["size"]), integers(m["known"]), m["sizes_known"]))
        table.append('    {"%s", %s, %d, %s, %s,\n     {%s},\n     %d, golden_%s},' % (name, integers(mask.shape), mask.sum(),
                     integers(m["low"]), integers(m["high"]), ",\n      ".join(forms), len(r), name))
    print("static const struct golden_shape golden_shapes[] = {\n" + "\n".join(table) + "\n};", file=out)


def write_axes(out):
    """Small masks of 5x5x5 as bits (z slowest, the lowest bit first), for the signs of ITK's axes."""
    header(out)
    random = np.random.default_rng(7)
    print("static const struct { unsigned long long low, high; double spacing[3], centroid[3], axes[9], size[3]; } golden_axes[] = {",
          file=out)
    rows = 0
    while rows < 200:
        mask = random.random((5, 5, 5)) < random.choice([0.05, 0.1, 0.3, 0.6])
        if rows % 4 == 3:  # aligned with the grid in part
            low, high = np.sort(random.integers(0, 6, (2, 3)), axis=0)
            mask = np.zeros((5, 5, 5), bool)
            mask[tuple(slice(a, b) for a, b in zip(low, high))] = True
            mask[random.integers(0, 5), :, random.integers(0, 5)] |= rows % 8 == 7
        if not mask.any():
            continue
        spacing = SPACINGS[rows % 2]
        m = measure(mask, spacing)
        if not m["sizes_known"]:
            continue
        bits = sum(int(b) << i for i, b in enumerate(mask.ravel()))
        print(f"    {{{bits & (1 << 64) - 1}u, {bits >> 64}u, {numbers(spacing)}, {numbers(m['centroid'])},\n"
              f"     {numbers(m['axes'])}, {numbers(m['size'])}}},", file=out)
        rows += 1
    print("};", file=out)


def write_components(out):
    header(out)
    mask = rng.random((9, 11, 13)) < 0.22
    r = runs(mask)
    print(f"static const long golden_random_dim[3] = {integers(mask.shape)};", file=out)
    write_runs(out, "golden_random", r)
    flat = mask.reshape(-1, mask.shape[2])
    rows = []
    for connectivity, rank in ((6, 1), (18, 2), (26, 3)):
        label, count = nd.label(mask, nd.generate_binary_structure(3, rank))
        rows.append("    {%d, %d, %s}" % (connectivity, count, integers([label.reshape(flat.shape)[row, b] for row, b, _ in r])))
    print(f"static const struct {{ int connectivity, count, label[{len(r)}]; }} golden_components[] = {{\n" + ",\n".join(rows) + "\n};", file=out)


def write_smooth(out):
    header(out)
    image = rng.random((6, 5, 9)).astype(np.float32) * 10
    print("static const long golden_smooth_dim[3] = {6, 5, 9};", file=out)
    print("static const float golden_smooth_in[] = " + numbers(image) + ";", file=out)
    rows = ["    {%.17g, %s}" % (sd, numbers(nd.gaussian_filter(image.astype(float), sd))) for sd in (0.7, 1.0, 2.3)]
    print(f"static const struct {{ double sd, out[{image.size}]; }} golden_smooth[] = {{\n" + ",\n".join(rows) + "\n};", file=out)


for name, write in (("shapes", write_shapes), ("axes", write_axes), ("components", write_components), ("smooth", write_smooth)):
    with open(pathlib.Path(__file__).parent / f"{name}.h", "w") as f:
        write(f)
