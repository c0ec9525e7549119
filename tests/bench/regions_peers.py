#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a Python user does for tests/bench/regions.c's tasks: scikit-image for components and their properties, SciPy for another grid.

    regions_peers.py components FILE | regions_peers.py resample FILE        prints run_s= cpu_s= version= and what came out

The voxels are in memory when the clock starts. scikit-image's properties are fewer than ours: no SUVpeak, no oriented box.
"""
import sys
import time

import numpy

SHAPE, SPACING = (326, 400, 400), (3, 2.036, 2.036)


def components(voxel):
    import skimage
    from skimage.measure import label, regionprops_table

    begun = time.perf_counter(), time.process_time()
    table = regionprops_table(label(voxel >= 4, connectivity=3), intensity_image=voxel, spacing=SPACING,
                              properties=("num_pixels", "bbox", "centroid", "intensity_max", "intensity_mean", "inertia_tensor"))
    spent = time.perf_counter() - begun[0], time.process_time() - begun[1]
    return spent, f"regions={len(table['num_pixels'])} voxels={int(table['num_pixels'].sum())}", "scikit-image_" + skimage.__version__


def resample(voxel):
    import scipy
    from scipy.ndimage import affine_transform

    step = numpy.array([3 / s for s in SPACING])
    begun = time.perf_counter(), time.process_time()
    out = affine_transform(voxel, step, offset=0.5 * step - 0.5, output_shape=tuple(int(round(n / s)) for n, s in zip(SHAPE, step)),
                           order=1, mode="nearest")
    spent = time.perf_counter() - begun[0], time.process_time() - begun[1]
    return spent, f"shape={'x'.join(map(str, out.shape))} sum={out.ravel()[::97].sum(dtype=float):.7g}", "scipy_" + scipy.__version__


(run_s, cpu_s), what, version = {"components": components, "resample": resample}[sys.argv[1]](
    numpy.fromfile(sys.argv[2], numpy.float32).reshape(SHAPE))
print(f"run_s={run_s:.4f} cpu_s={cpu_s:.4f} version={version} {what}")
