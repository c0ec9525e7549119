#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files as other programs write them, and where those say their voxels lie, for tests/unit/load_geometry.c.

    python3 -m venv v && v/bin/pip install nibabel SimpleITK pynrrd highdicom pydicom     # versions used: head of files.h
    v/bin/python tests/golden/load/make.py                                               # writes files.h beside it

Every image has 4 x 3 x 5 voxels (z y x), 0, 1, 2, ... in the file's order. The affine is what the reading library named in its row makes of
the file: columns x y z offset -> mm RAS, over the axes of the file. nibabel has it so; SimpleITK thinks in LPS, so its first two rows change
sign. The segmentations are highdicom's, of seven slices as tests/unit/load_seg_file.h has them: voxel p of slice z is of segment 1 if z is 2 to
4 and p % 3 == 0, and of segment 2 if z == 4 and p > 20.
"""
import io
import pathlib
import tempfile

import highdicom as hd
import nibabel as nib
import nrrd
import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes

D, H, W = 4, 3, 5
RAMP = np.arange(D * H * W).reshape(D, H, W)
work = pathlib.Path(tempfile.mkdtemp())
rows, files = [], []


def by_nibabel(path):
    return nib.load(path).affine[:3]


def by_itk(path):
    i = sitk.ReadImage(str(path))
    n = 3
    d = np.array(i.GetDirection()).reshape(i.GetDimension(), -1)[:n, :n] * np.array(i.GetSpacing())[:n]
    return np.diag([-1.0, -1, 1]) @ np.column_stack([d, np.array(i.GetOrigin())[:n]])


def keep(name, data, reader=None):
    """The file's bytes, and where `reader` says it lies."""
    (work / name).write_bytes(data)
    files.append((name, data))
    if reader:
        rows.append((name, "nibabel" if reader is by_nibabel else "SimpleITK", reader(work / name)))


def nifti(name, affine, dtype="<f4", zooms=None, edit=None, four=False, kind=nib.Nifti1Image):
    a = RAMP.transpose(2, 1, 0).astype(dtype)
    image = kind(a[..., None] if four else a, affine, dtype=np.dtype(dtype))
    if zooms:
        image.header.set_zooms(zooms)
    if edit:
        edit(image)
    nib.save(image, work / name)
    keep(name, (work / name).read_bytes(), by_nibabel)


def turned(a, b, c, spacing, origin):
    ca, sa, cb, sb, cc, sc = np.cos(a), np.sin(a), np.cos(b), np.sin(b), np.cos(c), np.sin(c)
    r = (np.array([[1, 0, 0], [0, ca, -sa], [0, sa, ca]]) @ np.array([[cb, 0, sb], [0, 1, 0], [-sb, 0, cb]]) @
         np.array([[cc, -sc, 0], [sc, cc, 0], [0, 0, 1]]))
    m = np.eye(4)
    m[:3, :3] = r * np.array(spacing)
    m[:3, 3] = origin
    return m


def only_qform(image):
    image.set_qform(image.affine, 1)
    image.set_sform(None, 0)


OBLIQUE = turned(0.2, -0.3, 0.4, (2, 3, 4), (-30, 20, 10))
nifti("unplaced.nii", None, zooms=(2, 3, 4))
nifti("oblique.nii", OBLIQUE)
nifti("qform.nii", OBLIQUE, edit=only_qform)
nifti("flipped.nii", np.diag([2.0, -3, -4, 1]), "<i2", edit=only_qform)
nifti("uint64.nii", np.diag([-2.0, 3, 4, 1]), "<u8")
nifti("int64.nii", np.diag([-2.0, 3, 4, 1]), "<i8")
nifti("big.nii", np.diag([-2.0, 3, 4, 1]), ">f4")
nifti("four.nii", np.diag([-2.0, 3, 4, 1]), "<u2", four=True)
nifti("two.nii", OBLIQUE, "<f8", kind=nib.Nifti2Image)

itk = sitk.GetImageFromArray(RAMP.astype("<f4"))
itk.SetSpacing((2, 3, 4))
itk.SetOrigin((-30, 20, 10))
itk.SetDirection((OBLIQUE[:3, :3] / np.array([2, 3, 4])).ravel())
for name in "itk.mha", "itk.nrrd", "itk.nii":
    sitk.WriteImage(itk, str(work / name))
    keep(name, (work / name).read_bytes(), by_itk)
sitk.WriteImage(itk, str(work / "packed.mha"), True)
keep("packed.mha", (work / "packed.mha").read_bytes(), by_itk)

MHA = "ObjectType = Image\nNDims = %d\nBinaryData = True\nBinaryDataByteOrderMSB = False\n%sDimSize = %s\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
SHORT = RAMP.astype("<i2").tobytes()
keep("element.mha", (MHA % (3, "ElementSize = 2 3 4\nOffset = 1 2 3\n", "5 3 4")).encode() + SHORT, by_itk)
keep("both.mha", (MHA % (3, "ElementSize = 2 3 4\nElementSpacing = 5 6 7\nOffset = 1 2 3\n", "5 3 4")).encode() + SHORT, by_itk)
keep("nowhere.mha", (MHA % (3, "ElementSpacing = 2 3 4\n", "5 3 4")).encode() + SHORT, by_itk)
keep("four.mha", (MHA % (4, "TransformMatrix = 0 1 0 0 1 0 0 0 0 0 1 0 0 0 0 1\nElementSpacing = 2 3 4 1\nOffset = 1 2 3 0\n", "5 3 4 1")).encode() + SHORT,
     by_itk)

nrrd.write(str(work / "pynrrd.nrrd"), RAMP.transpose(2, 1, 0).astype("<f4"),
           {"space": "right-anterior-superior", "space directions": OBLIQUE[:3, :3].T, "space origin": OBLIQUE[:3, 3], "encoding": "gzip",
            "space units": ["mm", "mm", "mm"]})
keep("pynrrd.nrrd", (work / "pynrrd.nrrd").read_bytes(), by_itk)
NRRD = "NRRD0005\ntype: short\n%sendian: little\nencoding: raw\n%s\n"
THREE = "dimension: 3\nspace: left-posterior-superior\nsizes: 5 3 4\nspace directions: (2,0,0) (0,3,0) (0,0,4)\nkinds: domain domain domain\nspace origin: (1,2,3)\n"
keep("long.nrrd", (NRRD % (THREE, "Segmentation_ConversionParameters:=" + "x" * 5000 + "\n")).encode() + SHORT, by_itk)
keep("vector.nrrd", (NRRD % (THREE.replace("dimension: 3", "dimension: 4").replace("sizes: ", "sizes: 1 ").replace("directions: ", "directions: none ")
                             .replace("kinds: ", "kinds: vector "), "")).encode() + SHORT, by_itk)
keep("spacings.nrrd", (NRRD % ("dimension: 3\nsizes: 5 3 4\nspacings: 2 3 4\n", "")).encode() + SHORT, by_itk)


def slices():
    out = []
    for k in range(7):
        d = Dataset()
        d.file_meta = FileMetaDataset()
        d.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        d.SOPClassUID = "1.2.840.10008.5.1.4.1.1.128"
        d.SOPInstanceUID = "1.2.3.4.%d" % (k + 1)
        d.StudyInstanceUID, d.SeriesInstanceUID, d.FrameOfReferenceUID = "1.2.3", "1.2.3.4", "1.2.3.5"
        d.PatientID = d.PatientName = "NOBODY"
        d.PatientBirthDate = d.PatientSex = d.AccessionNumber = d.ReferringPhysicianName = d.PositionReferenceIndicator = d.StudyID = ""
        d.StudyDate, d.StudyTime, d.Modality = "20200131", "112011", "PT"
        d.ImagePositionPatient = [-20, -13, -6 + 3 * k]
        d.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        d.PixelSpacing, d.SliceThickness = [4, 2], 3
        d.Rows, d.Columns, d.SamplesPerPixel, d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 6, 5, 1, 16, 16, 15, 0
        d.PhotometricInterpretation = "MONOCHROME2"
        d.PixelData = bytes(60)
        out.append(d)
    return out


p = np.arange(30).reshape(6, 5)
first, second = np.zeros((7, 6, 5), bool), np.zeros((7, 6, 5), bool)
first[2:5] = p % 3 == 0
second[4] = p > 20
SCT = codes.SCT


def segmentation(name, kind, pixels, labels, categories, **more):
    described = [hd.seg.SegmentDescription(i + 1, l, c, SCT.Neoplasm, "MANUAL") for i, (l, c) in enumerate(zip(labels, categories))]
    s = hd.seg.Segmentation(slices(), pixels, kind, described, "1.2.3.77", 9, "1.2.3.77.1", 1, "x", "x", "1", "1", **more)
    to = io.BytesIO()
    s.save_as(to)
    keep(name, to.getvalue())


MASS, ORGAN = SCT.MorphologicallyAbnormalStructure, SCT.AnatomicalStructure
exclusive = np.where(first, 1, np.where(second, 2, 0)).astype(np.uint8)
segmentation("labelmap.dcm", "LABELMAP", exclusive, ["one", "two"], [MASS, MASS])
segmentation("organ.dcm", "LABELMAP", exclusive, ["one", "two"], [MASS, ORGAN])
segmentation("binary.dcm", "BINARY", np.stack([first, second], -1).astype(np.uint8), ["one", "two"], [MASS, MASS])
segmentation("fractional.dcm", "FRACTIONAL", np.stack([first * 0.6 + 0.3, second * 0.9], -1).clip(0, 1), ["one", "two"], [MASS, MASS],
             max_fractional_value=200, fractional_type="PROBABILITY")

out = pathlib.Path(__file__).with_name("files.h")
with open(out, "w") as to:
    print("/* SPDX-License-Identifier: Apache-2.0 */", file=to)
    print("/* files -- made by tests/golden/load/make.py with nibabel %s, SimpleITK %s, pynrrd %s, highdicom %s, pydicom %s, numpy %s */" %
          (nib.__version__, sitk.Version_VersionString(), nrrd.__version__, hd.__version__, pydicom.__version__, np.__version__), file=to)
    for i, (name, data) in enumerate(files):
        print("static const unsigned char file%d[] = {" % i, file=to)
        for at in range(0, len(data), 40):
            print("    " + "".join("%d," % b for b in data[at:at + 40]), file=to)
        print("};", file=to)
    print("static const struct {\n    const char *name;\n    size_t size;\n    const unsigned char *bytes;\n} files[] = {", file=to)
    for i, (name, data) in enumerate(files):
        print('    {"%s", sizeof file%d, file%d},' % (name, i, i), file=to)
    print("};\nstatic const struct {\n    const char *name, *by;\n    double affine[3][4];\n} places[] = {", file=to)
    for name, by, a in rows:
        print('    {"%s", "%s", {%s}},' % (name, by, ", ".join("{" + ", ".join(repr(float(round(v, 9))) for v in r) + "}" for r in a)), file=to)
    print("};", file=to)
print(len(files), "files,", sum(len(d) for _, d in files), "bytes")
