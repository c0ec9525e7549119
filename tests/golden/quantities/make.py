#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""quantities -- what MIRP and PyRadiomics measure in a region, for tests/unit/quantities.c.

    python3 -m venv v && v/bin/pip install mirp==2.7.0 nibabel numpy setuptools versioneer cython
    v/bin/pip install --no-build-isolation pyradiomics==3.0.1 && v/bin/python make.py [DATA]

Writes blob_image.nii and blob_mask.nii (made here: a lump with a hole, an arm and noise, uneven voxels) and values.tsv: a row a region and
quantity. DATA: the folder with ibsi_digital_phantom and ibsi_suv_nifti (the IBSI's; CC BY 4.0); without it the blob's rows alone are made
anew, and the others are kept as they are. Versions are in values.tsv's first line."""
import csv, os, sys, warnings
from importlib.metadata import version

import nibabel as nib
import numpy as np

warnings.filterwarnings("ignore")
here = os.path.dirname(os.path.abspath(__file__))
NAMES = {  # IBSI's tags as MIRP has them -> ours, and ours over theirs
    "stat_max": ("suv_max", 1), "stat_mean": ("suv_mean", 1), "stat_median": ("suv_median", 1), "stat_var": ("suv_variance", 1),
    "loc_peak_glob": ("suv_peak", 1), "loc_peak_loc": ("suv_peak_local", 1),
    "morph_volume": ("mesh_ml", 1e-3), "morph_vol_approx": ("ml", 1e-3), "morph_area_mesh": ("surface_mm2", 1),
    "morph_sphericity": ("sphericity", 1), "morph_diam": ("diameter_mm", 1),
}


def blob():
    rng = np.random.default_rng(16)
    shape, mm = (15, 17, 13), (3.0, 2.5, 4.0)
    x, y, z = np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * m for n, m in zip(shape, mm)], indexing="ij")
    mask = (x / 14) ** 2 + (y / 12) ** 2 + (z / 15) ** 2 < 1
    mask |= (abs(x - 12) < 7) & (abs(y - 8) < 3) & (abs(z) < 5)
    mask &= ~((abs(x) < 3) & (abs(y + 3) < 3) & (abs(z) < 5))
    mask &= rng.random(shape) > 0.04
    mask[[0, -1]], mask[:, [0, -1]], mask[:, :, [0, -1]] = 0, 0, 0
    image = np.float32(1 + 7 * np.exp(-((x - 4) ** 2 + y**2 + (z + 3) ** 2) / 200) + rng.normal(0, 0.4, shape))
    affine = np.diag([-mm[0], -mm[1], mm[2], 1])
    affine[:3, 3] = 20, 30, -40
    nib.save(nib.Nifti1Image(image, affine), os.path.join(here, "blob_image.nii"))
    nib.save(nib.Nifti1Image(np.uint8(mask), affine), os.path.join(here, "blob_mask.nii"))


def measure(name, image, mask):
    from mirp import extract_features
    table = extract_features(image=image, mask=mask, image_modality="pet",
                             base_feature_families=["morphological", "local_intensity", "statistics"],
                             base_discretisation_method="none")[0]
    for theirs, (ours, times) in NAMES.items():
        column = [c for c in table.columns if c == theirs]
        if column:
            yield name, ours, f"{float(table[column[0]].iloc[0]) * times:.9g}"


def measure_shape(name, image, mask):
    """PyRadiomics' shape and histogram, as it measures without resampling: named with a p."""
    import SimpleITK as sitk
    from radiomics import firstorder, shape
    im, ma = sitk.ReadImage(image), sitk.ReadImage(mask)
    ma = sitk.Cast(ma > 0, sitk.sitkUInt8)
    ma.CopyInformation(im)
    wants = {"MeshVolume": ("mesh_ml", 1e-3), "VoxelVolume": ("ml", 1e-3), "SurfaceArea": ("surface_mm2", 1), "Sphericity": ("sphericity", 1),
             "Maximum3DDiameter": ("diameter_mm", 1), "Maximum2DDiameterSlice": ("diameter_axial_mm", 1)}
    s = shape.RadiomicsShape(im, ma, label=1)
    for theirs, (ours, times) in wants.items():
        yield f"{name}/p", ours, f"{float(getattr(s, f'get{theirs}FeatureValue')()) * times:.9g}"
    f = firstorder.RadiomicsFirstOrder(im, ma, label=1, binWidth=0.1)
    f._initCalculation()
    for theirs, ours in (("Maximum", "suv_max"), ("Mean", "suv_mean"), ("Median", "suv_median")):
        yield f"{name}/p", ours, f"{float(np.ravel(getattr(f, f'get{theirs}FeatureValue')())[0]):.9g}"


def main():
    data = sys.argv[1] if len(sys.argv) > 1 else None
    path, rows = os.path.join(here, "values.tsv"), []
    blob()
    both = lambda *what: [*measure(*what), *measure_shape(*what)]
    rows += both("blob", os.path.join(here, "blob_image.nii"), os.path.join(here, "blob_mask.nii"))
    if data:
        p = os.path.join(data, "ibsi_digital_phantom")
        rows += both("phantom", f"{p}/nifti_image_phantom.nii.gz", f"{p}/nifti_mask_mask.nii.gz")
        p = os.path.join(data, "ibsi_suv_nifti")
        for f in sorted(os.listdir(p)):
            if f.endswith("_PET_image.nii.gz"):
                rows += both(f[:7], f"{p}/{f}", f"{p}/{f[:7]}_PET_mask.nii.gz")
    elif os.path.exists(path):
        rows += [r for r in csv.reader(open(path), delimiter="\t") if len(r) == 3 and r[0] not in ("blob", "blob/p", "region")]
    with open(path, "w") as to:
        print(f"# mirp {version('mirp')}, pyradiomics {version('pyradiomics')}, scikit-image {version('scikit-image')}, numpy {version('numpy')}: make.py", file=to)
        print("region\tquantity\tvalue", file=to)
        for r in rows:
            print("\t".join(r), file=to)


main()
