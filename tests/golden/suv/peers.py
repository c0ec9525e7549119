#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SUV of the variants of a real series, by two packages of PyPI: writes peers.tsv (or what is named) beside this file.

    variants.sh .../ge_sarcoma_dicom DIR && peers.py DIR [OUT.tsv]

MIRP is the reference software of the IBSI's authors, with rules for vendors and every decay correction; pysuv knows START, without
vendors' own clocks. Both see whole volumes, float32 and float64. What one refuses has no row, and is said.
Made with Python 3.11.7, mirp 2.7.0, pysuv 0.1.0, pydicom 3.0.2, pylibjpeg 2.1.0, pylibjpeg-libjpeg 2.5.0, numpy 2.4.6.
"""
import logging
import os
import shutil
import sys
import tempfile
import warnings

import mirp
import numpy
import pydicom
import pysuv

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)


def by_mirp(slices):
    with tempfile.TemporaryDirectory() as folder:  # it takes a folder, and files by their ending alone
        for i, s in enumerate(slices):
            shutil.copy(s.filename, os.path.join(folder, f"{i}.dcm"))
        found = mirp.extract_images(image=folder, image_export_format="numpy", pet_suv_conversion="body_weight")
    return numpy.asarray(found[0][0][0])


def by_pysuv(slices):
    return numpy.stack([numpy.asarray(pysuv.compute_suv(s)) for s in slices])


def series_of(folder):
    """Slices of each series, the series in order of their UIDs."""
    series = {}
    for name in sorted(os.listdir(folder)):
        s = pydicom.dcmread(os.path.join(folder, name))
        series.setdefault(str(s.SeriesInstanceUID), []).append(s)
    for uid in sorted(series):
        yield sorted(series[uid], key=lambda s: float(s.ImagePositionPatient[2]))


root = sys.argv[1]
out = sys.argv[2] if len(sys.argv) > 2 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers.tsv")
with open(out, "w") as to:
    to.write("scan\tpeer\tsuv_max\tmean\tsd\n")
    for name in sorted(os.listdir(root)):
        for n, slices in enumerate(series_of(os.path.join(root, name))):
            scan = name if n == 0 else f"{name}#{n + 1}"
            for peer, work in (("mirp", by_mirp), ("pysuv", by_pysuv)):
                try:
                    suv = work(slices).astype(numpy.float64)
                except Exception as e:  # whatever it does not know
                    print(f"{scan}: {peer} refuses: {type(e).__name__}: {str(e)[:100]}")
                    continue
                to.write(f"{scan}\t{peer}\t{suv.max():.9g}\t{suv.mean():.9g}\t{suv.std(ddof=1):.9g}\n")
