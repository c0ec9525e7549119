#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""simulation.png -- maximum-intensity projections of simulated patients beside real scans.

    python3 docs/simulation_picture.py COHORT DATA docs/simulation.png

COHORT: a folder petrel-simulate wrote; DATA: the folder of real scans (ge_sarcoma_dicom, ibsi_suv_nifti). Needs numpy, nibabel,
pydicom and Pillow; made with numpy 1.24, nibabel 5.0, pydicom 2.3, Pillow 9.4. SUV 0 is white, SUV 7 and over black.
"""
import datetime
import glob
import json
import os
import sys

import nibabel
import numpy
import pydicom
from PIL import Image, ImageDraw, ImageFont

TOP_SUV, MM_A_PIXEL = 7.0, 2.6
SUV_FACTOR = {"ge_sarcoma_dicom": 2.42903e-4}  # its EXPECTED.json


def projections(suv, spacing, axes):
    """suv[x left to right as seen from the front, y front to back, z up]"""
    for axis in axes:
        seen = suv.max(axis=axis).T[::-1]
        across = spacing[0] if axis == 1 else spacing[1]
        picture = Image.fromarray((255 - 255 * numpy.clip(seen / TOP_SUV, 0, 1)).astype(numpy.uint8))
        size = (round(seen.shape[1] * across / MM_A_PIXEL), round(seen.shape[0] * spacing[2] / MM_A_PIXEL))
        yield picture.resize(size, Image.BILINEAR)


def nifti(path, factor):
    image = nibabel.as_closest_canonical(nibabel.load(path))  # x right, y front, z up
    voxels = image.get_fdata(dtype=numpy.float32) * factor
    return voxels[::1, ::-1], image.header.get_zooms()[:3]


def simulated(folder):
    with open(os.path.join(folder, "PET.json")) as f:
        facts = json.load(f)
    clock = lambda name: datetime.datetime.strptime(facts[name], "%H:%M:%S")
    delay = (clock("SeriesTime") - clock("InjectionTime")).total_seconds()
    left = facts["InjectedRadioactivity"] * 2 ** (-delay / facts["RadionuclideHalfLife"])
    voxels, spacing = nifti(os.path.join(folder, "PET.nii.gz"), 1000 * facts["BodyWeight"] / left)
    return voxels[::-1], spacing  # the patient's right on the left, as one looks at them


def dicom(folder, factor):
    slices = [pydicom.dcmread(p) for p in glob.glob(os.path.join(folder, "**", "*.dcm"), recursive=True)]
    slices = sorted((s for s in slices if s.Modality == "PT"), key=lambda s: s.ImagePositionPatient[2])
    voxels = numpy.stack([s.pixel_array * float(s.RescaleSlope) for s in slices], axis=-1) * factor
    step = slices[1].ImagePositionPatient[2] - slices[0].ImagePositionPatient[2]
    return voxels.transpose(1, 0, 2).astype(numpy.float32), (*map(float, slices[0].PixelSpacing), float(step))


def main(cohort, data, to):
    rows = [[], []]
    rows[0] += [("real: GE", p) for p in projections(*dicom(os.path.join(data, "ge_sarcoma_dicom"), SUV_FACTOR["ge_sarcoma_dicom"]), (1, 0))]
    studies = sorted(glob.glob(os.path.join(cohort, "SIMULATED_*", "SIMULATED_PETCT*")))[:6]
    for n, folder in enumerate(studies):
        axes = (1, 0) if n < 2 else (1,)
        rows[0 if n < 2 else 1] += [(f"SIMULATED {n + 1}", p) for p in projections(*simulated(folder), axes)]
    for name in ("STS_011", "STS_020", "STS_041"):
        voxels, spacing = nifti(os.path.join(data, "ibsi_suv_nifti", name + "_PET_image.nii.gz"), 1.0)
        rows[1] += [("real: " + name, next(projections(voxels[::-1], spacing, (1,))))]
    gap, title = 6, 14
    wide = max(sum(p.size[0] + gap for _, p in row) for row in rows)
    high = [max(p.size[1] for _, p in row) + title + gap for row in rows]
    sheet = Image.new("L", (wide, sum(high)), 255)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default()
    for n, row in enumerate(rows):
        x, y = 0, sum(high[:n])
        for text, picture in row:
            draw.text((x + 2, y), text, fill=0, font=font)
            sheet.paste(picture, (x, y + title))
            x += picture.size[0] + gap
    sheet.quantize(32).save(to, optimize=True)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
