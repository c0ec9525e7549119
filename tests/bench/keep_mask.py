#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""keep_mask -- masks as a segmentation network leaves them, made of a simulated cohort; and what --keep tumour made of them, counted here.

    keep_mask.py make COHORT OUT       a mask a scan: every lesion of the truth (its voxels above 41 % of its maximum) and 30 pieces of
                                       physiological uptake: the hottest places off the truth, each grown to half of its maximum;
                                       OUT/list.tsv for petrel-classify
    keep_mask.py count OUT RESULTS     components without a voxel of the truth (FPV) and lesions touched, before and after
Everything here is simulated. Needs nibabel, NumPy and SciPy."""
import glob, os, sys

import nibabel as nib
import numpy as np
from scipy import ndimage

PIECES, REACH_MM, ALL = 30, 20.0, np.ones((3, 3, 3))


def make(cohort, out):
    os.makedirs(out, exist_ok=True)
    with open(f"{out}/list.tsv", "w") as table:
        print("patient\tstudy\tscan\tmask\torgans\tregions", file=table)
        for n, path in enumerate(sorted(glob.glob(f"{cohort}/*/*/PET.nii.gz"))):
            place = os.path.dirname(path)
            image = nib.load(path)
            pet, truth = np.asarray(image.dataobj, np.float32), np.asarray(nib.load(f"{place}/SEG.nii.gz").dataobj) > 0
            mm, mask = image.header.get_zooms()[:3], np.zeros(truth.shape, np.uint8)
            lesion, count = ndimage.label(truth, ALL)
            for k, box in enumerate(ndimage.find_objects(lesion), 1):
                inside = lesion[box] == k
                mask[box] |= inside & (pet[box] >= 0.41 * pet[box][inside].max())
            free = ~ndimage.binary_dilation(truth, ALL, 3)
            rest, reach = np.where(free, pet, 0), [int(REACH_MM / m) for m in mm]
            pieces = 0
            while pieces < PIECES:
                top = np.unravel_index(np.argmax(rest), rest.shape)
                box = tuple(slice(max(0, t - r), t + r + 1) for t, r in zip(top, reach))
                part, _ = ndimage.label((rest[box] >= 0.5 * rest[top]), ALL)
                here = part == part[tuple(t - b.start for t, b in zip(top, box))]
                if here.sum() >= 5:
                    mask[box] |= here
                    pieces += 1
                rest[box][ndimage.binary_dilation(here, ALL, 2)] = 0
            file = f"{out}/{n:03d}.nii.gz"
            nib.save(nib.Nifti1Image(mask, image.affine), file)
            names = place.split("/")[-2:]
            print("\t".join([*names, os.path.abspath(path), os.path.abspath(f"{place}/SEG.nii.gz"),
                             os.path.abspath(f"{place}/ORGANS.nii.gz"), os.path.abspath(file)]), file=table)


def against(mask, truth, ml):
    parts, count = ndimage.label(mask, ALL)
    hit = np.unique(parts[truth & (parts > 0)])
    false = [k for k in range(1, count + 1) if k not in hit]
    return len(false), np.isin(parts, false).sum() * ml, {int(k) for k in np.unique(ndimage.label(truth, ALL)[0][mask]) if k}


def count(out, results):
    total = np.zeros(6)
    volumes = []
    for line in open(f"{out}/list.tsv").read().splitlines()[1:]:
        patient, study, scan, seg, _, regions = line.split("\t")
        truth_image = nib.load(seg)
        truth, ml = np.asarray(truth_image.dataobj) > 0, float(np.prod(truth_image.header.get_zooms()[:3])) / 1000
        [kept] = glob.glob(f"{results}/*{patient}_{study}*/kept.nii.gz")
        before = against(np.asarray(nib.load(regions).dataobj) > 0, truth, ml)
        after = against(np.asarray(nib.load(kept).dataobj) > 0, truth, ml)
        lesions = ndimage.label(truth, ALL)[1]
        lost = before[2] - after[2]
        sizes = [(ndimage.label(truth, ALL)[0] == k).sum() * ml for k in lost]
        volumes += sizes
        total += [before[0], before[1], after[0], after[1], len(before[2]), len(lost)]
        print(f"{patient}: false components {before[0]} -> {after[0]}, FPV {before[1]:.1f} -> {after[1]:.1f} ml, lesions {len(before[2])} of {lesions}, lost {len(lost)}")
    print(f"simulated: false components {total[0]:.0f} -> {total[2]:.0f}, FPV {total[1]:.1f} -> {total[3]:.1f} ml "
          f"({100 * (1 - total[3] / total[1]):.1f} % taken out), lesions in the masks {total[4]:.0f}, lost {total[5]:.0f} ({100 * total[5] / total[4]:.1f} %), "
          f"their volumes: median {np.median(volumes) if volumes else 0:.2f} ml")


{"make": make, "count": count}[sys.argv[1]](*sys.argv[2:])
