# SPDX-License-Identifier: Apache-2.0
"""kept -- SEG and RTSTRUCT as others write them, and what petrel-classify --keep tumour leaves of them, by others' readers.
  kept.py make SERIES RESULT OUT     regions of RESULT as OUT/*.dcm: a fractional SEG, one of segments that overlap, a label map, one and an RTSTRUCT on
                                     another grid of the same frame of reference (finer, between the slices), an RTSTRUCT with a hole,
                                     a keyhole, a point and an open contour
  kept.py check GIVEN RESULT         RESULT/kept.dcm is GIVEN less what RESULT/taken_out.nii.gz says, voxel by voxel, and nothing else has changed
highdicom, dcmqi (segimage2itkimage), pydicom, nibabel; versions in tests/peers.txt."""
import copy, glob, os, subprocess, sys, tempfile
import highdicom as hd
import nibabel as nib
import numpy as np
import pydicom
from pydicom.sr.codedict import codes

LPS = np.diag([-1.0, -1, 1, 1])


def volume(path):
    image = nib.load(path)
    return np.asarray(image.dataobj).astype(int), LPS @ image.affine


# ---- what others write ----


def planes(affine, shape):
    """As DICOM has them: LPS position of each slice's first pixel; the axes are x (columns), y (rows), z."""
    return [hd.PlanePositionSequence("PATIENT", (affine @ [0, 0, k, 1])[:3]) for k in range(shape[2])]


def seg_write(path, series, label, affine, kind="BINARY", extra=None, fraction=1.0):
    numbers = [int(n) for n in np.unique(label) if n]
    described = [hd.seg.SegmentDescription(i + 1, f"blob {n}", codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Neoplasm,
                                           hd.seg.SegmentAlgorithmTypeValues.MANUAL, tracking_uid=hd.UID(f"2.25.{1000 + n}"), tracking_id=f"blob {n}")
                 for i, n in enumerate(numbers)]
    masks = np.stack([label == n for n in numbers], -1)  # x y z s
    if extra is not None:
        masks[..., 0] |= extra
    step = np.linalg.norm(affine[:3, :3], axis=0)
    way = [*affine[:3, 0] / step[0], *affine[:3, 1] / step[1]]
    pixels = masks.transpose(2, 1, 0, 3)
    if kind == "LABELMAP":
        pixels = np.zeros(pixels.shape[:3], np.uint8)
        for i, n in enumerate(numbers):
            pixels[label.transpose(2, 1, 0) == n] = i + 1
    elif kind == "FRACTIONAL":
        pixels = pixels * np.float32(fraction)
        edge = np.roll(masks, 1, 0).transpose(2, 1, 0, 3) & ~masks.any(-1, keepdims=True).transpose(2, 1, 0, 3)
        pixels[edge] = 0.3  # a rim that is too faint to be inside
    else:
        pixels = pixels.astype(np.uint8)
    more = {"fractional_type": "PROBABILITY"} if kind == "FRACTIONAL" else {}
    hd.seg.Segmentation(series, pixels, kind, described, "1.2.826.0.1.3680043.8.498.1", 1, f"1.2.826.0.1.3680043.8.498.{abs(hash(path)) % 10**9}", 1,
                        "others", "others' program", "1", "0", pixel_measures=hd.PixelMeasuresSequence([step[1], step[0]], step[2], step[2]),
                        plane_orientation=hd.PlaneOrientationSequence("PATIENT", way), plane_positions=planes(affine, label.shape), **more).save_as(path)


def rings(mask):
    """Outlines of a plane's mask along its pixels' edges: closed lists of corners (x, y), in pixels; holes are rings of their own."""
    after = {}
    padded = np.pad(mask, 1)
    for x, y in np.argwhere(padded):
        for (dx, dy), a, b in (((0, -1), (0, 0), (1, 0)), ((1, 0), (1, 0), (1, 1)), ((0, 1), (1, 1), (0, 1)), ((-1, 0), (0, 1), (0, 0))):
            if not padded[x + dx, y + dy]:
                after.setdefault((x + a[0], y + a[1]), []).append((x + b[0], y + b[1]))
    while after:
        start = next(iter(after))
        ring = [start]
        while True:
            here = ring[-1]
            there = after[here].pop()
            if not after[here]:
                del after[here]
            if there == start:
                break
            ring.append(there)
        yield np.array(ring, float) - 1.5


def rtstruct_write(path, template, label, affine, odd=False):
    """template: an RTSTRUCT of the series, for its identity and references."""
    rt = pydicom.dcmread(template)
    rt.StructureSetROISequence, rt.ROIContourSequence, rt.RTROIObservationsSequence = [], [], []
    rt.SOPInstanceUID = f"1.2.826.0.1.3680043.8.498.{abs(hash(path)) % 10**9}"
    for n in np.unique(label)[1:]:
        named, drawn, observed = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
        named.ROINumber, named.ReferencedFrameOfReferenceUID, named.ROIName, named.ROIGenerationAlgorithm = 10 + int(n), rt.FrameOfReferenceUID, f"blob {n}", "MANUAL"
        drawn.ReferencedROINumber, drawn.ContourSequence = 10 + int(n), []
        observed.ObservationNumber, observed.ReferencedROINumber, observed.RTROIInterpretedType, observed.ROIInterpreter = int(n), 10 + int(n), "", ""

        def contour(points, kind="CLOSED_PLANAR"):
            one = pydicom.Dataset()
            one.ContourGeometricType, one.NumberOfContourPoints = kind, len(points)
            one.ContourData = [f"{v:.3f}" for p in points for v in p]
            drawn.ContourSequence.append(one)

        for k in np.unique(np.argwhere(label == n)[:, 2]):
            plane = label[:, :, k] == n
            found = list(rings(plane))
            corners = [[(affine @ [x, y, k, 1])[:3] for x, y in ring] for ring in found]
            if odd and len(corners) == 2:  # a ring and its hole: one line that goes in and out again by the same way
                corners = [corners[0] + [corners[0][0]] + corners[1] + [corners[1][0]]]
            for c in corners:
                contour(c)
            if odd:
                contour(corners[0][:1], "POINT")
                contour(corners[0][:3], "OPEN_PLANAR")
        rt.StructureSetROISequence.append(named), rt.ROIContourSequence.append(drawn), rt.RTROIObservationsSequence.append(observed)
    rt.save_as(path)


def make(series, result, out):
    files = [pydicom.dcmread(f) for f in sorted(glob.glob(f"{series}/*.dcm"))]
    files = [f for f in files if f.Modality == "PT"]
    label, affine = volume(result + "/labels.nii.gz")
    if affine[2, 2] < 0:
        label, affine = label[:, :, ::-1], affine @ np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, label.shape[2] - 1], [0, 0, 0, 1]], float)
    most = np.bincount(label[label > 0])
    label = np.where(np.isin(label, np.argsort(most)[::-1][:12]), label, 0)  # the largest twelve
    os.makedirs(out, exist_ok=True)
    beside = np.roll(label == np.argsort(most)[::-1][1], 2, 0) | (label == np.argsort(most)[::-1][0])
    seg_write(f"{out}/fractional.dcm", files, label, affine, "FRACTIONAL", fraction=0.8)
    seg_write(f"{out}/overlap.dcm", files, label, affine, extra=beside)
    seg_write(f"{out}/labelmap.dcm", files, label, affine, "LABELMAP")
    fine = np.repeat(np.repeat(label, 2, 0), 2, 1)
    half = affine @ np.array([[0.5, 0, 0, -0.25], [0, 0.5, 0, -0.25], [0, 0, 1, 0.4], [0, 0, 0, 1]])
    seg_write(f"{out}/other_grid.dcm", files, fine, half)
    between = affine @ np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0.4], [0, 0, 0, 1]])
    rtstruct_write(f"{out}/rt_between.dcm", result + "/rtstruct.dcm", label, between)
    holes = label.copy()
    for n in np.unique(label)[1:]:  # a voxel that is surrounded in its slice goes
        inside = label == n
        core = inside & np.roll(inside, 1, 0) & np.roll(inside, -1, 0) & np.roll(inside, 1, 1) & np.roll(inside, -1, 1)
        for k in range(label.shape[2]):
            at = np.argwhere(core[:, :, k])
            if len(at):
                holes[at[0][0], at[0][1], k] = 0
    rtstruct_write(f"{out}/rt_holes.dcm", result + "/rtstruct.dcm", holes, affine)
    rtstruct_write(f"{out}/rt_odd.dcm", result + "/rtstruct.dcm", holes, affine, odd=True)


# ---- what is left of it ----


def seg_pixels(ds, affine, shape):
    """(segment, voxel of the map) of every pixel that is more than nothing -> its value."""
    back, found = np.linalg.inv(affine), {}
    pixels = ds.pixel_array.reshape(int(ds.NumberOfFrames), ds.Rows, ds.Columns)
    shared = ds.SharedFunctionalGroupsSequence[0]
    for f, frame in enumerate(ds.PerFrameFunctionalGroupsSequence):
        def group(name):
            return getattr(frame, name)[0] if name in frame else getattr(shared, name)[0]
        way = np.array(group("PlaneOrientationSequence").ImageOrientationPatient, float)
        gap = np.array(group("PixelMeasuresSequence").PixelSpacing, float)
        first = np.array(group("PlanePositionSequence").ImagePositionPatient, float)
        segment = None if ds.SegmentationType == "LABELMAP" else group("SegmentIdentificationSequence").ReferencedSegmentNumber
        for r, c in np.argwhere(pixels[f]):
            mm = first + way[:3] * gap[1] * c + way[3:] * gap[0] * r
            index = np.rint(back @ [*mm, 1])[:3].astype(int)
            assert (index >= 0).all() and (index < shape).all()
            found[int(segment or pixels[f][r, c]), *index] = int(pixels[f][r, c])
    return found


def without_changes(ds):
    """Everything that must be as it was."""
    ds = copy.deepcopy(ds)
    for name in ("SOPInstanceUID", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "ContributingEquipmentSequence", "PixelData", "NumberOfFrames",
                 "PerFrameFunctionalGroupsSequence", "PredecessorStructureSetSequence", "StructureSetROISequence", "ROIContourSequence",
                 "RTROIObservationsSequence"):
        if name in ds:
            del ds[name]
    return ds


def seg_check(given, left, keeps, goes, affine, result):
    before, after = seg_pixels(given, affine, keeps.shape), seg_pixels(left, affine, keeps.shape)
    assert len(after) < len(before) and after.items() <= before.items()
    taken = {key for key in before if goes[key[1:]] == key[0]}
    stays = {key for key in before if keeps[key[1:]] == key[0]}
    assert not taken & after.keys() and stays <= after.keys() and taken
    hidden = before.keys() - taken - stays  # under another segment, or too faint
    if given.SegmentationType == "FRACTIONAL":  # a rim goes with its segment, where all of that goes
        whole = {key[0] for key in taken} - {key[0] for key in stays}
        assert hidden and not {key[0] for key in after} & whole
    for was, now in zip(given.SegmentSequence, left.SegmentSequence, strict=True):
        assert was == now
    frames = [f for f in left.PerFrameFunctionalGroupsSequence]
    assert len(frames) == left.NumberOfFrames < given.NumberOfFrames
    assert all(f in given.PerFrameFunctionalGroupsSequence for f in frames)
    read = hd.seg.segread(result + "/kept.dcm")
    assert set(read.segment_numbers) | {0} == {s.SegmentNumber for s in given.SegmentSequence} | {0}  # 0: a label map's background
    if given.SegmentationType != "LABELMAP":  # dcmqi of this version reads none
        with tempfile.TemporaryDirectory() as tmp:
            subprocess.run([os.path.join(os.path.dirname(sys.executable), "segimage2itkimage"), "--inputDICOM", result + "/kept.dcm", "--outputDirectory", tmp,
                            "--prefix", "q", "-t", "nii"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            there = sum(int((np.asarray(nib.load(f).dataobj) > 0).sum()) for f in glob.glob(tmp + "/*.nii*"))
            assert there == len(after), (there, len(after))
    return f"{len(before)} pixels, {len(after)} stay, {len(taken)} go, {len(hidden)} were under another or faint"


def contours(ds):
    return {r.ReferencedROINumber: [(c.ContourGeometricType, tuple(c.ContourData)) for c in getattr(r, "ContourSequence", [])] for r in ds.ROIContourSequence}


def rasterised(rings_mm, affine, shape):
    """Even-odd, by the middles of the voxels of each plane."""
    back, mask = np.linalg.inv(affine), np.zeros(shape, bool)
    for ring in rings_mm:
        p = (back @ np.c_[np.array(ring, float).reshape(-1, 3), np.ones(len(ring) // 3)].T)[:3].T
        k, q = int(np.rint(p[0, 2])), np.roll(p, -1, axis=0)
        for y in range(int(np.floor(p[:, 1].min())), int(np.ceil(p[:, 1].max())) + 1):
            cross = (p[:, 1] <= y) != (q[:, 1] <= y)
            edge = p[cross, 0] + (q[cross, 0] - p[cross, 0]) * (y - p[cross, 1]) / (q[cross, 1] - p[cross, 1])
            for x in range(max(int(np.floor(p[:, 0].min())), 0), int(np.ceil(p[:, 0].max())) + 1):
                if (edge > x).sum() % 2:
                    mask[x, y, k] ^= True
    return mask


def rtstruct_check(given, left, keeps, goes, affine):
    before, after = contours(given), contours(left)
    names = {r.ROINumber: r for r in given.StructureSetROISequence}
    assert all(r == names[r.ROINumber] for r in left.StructureSetROISequence)
    assert {r.ROINumber for r in left.StructureSetROISequence} == after.keys() == {r.ReferencedROINumber for r in left.RTROIObservationsSequence}
    gone = 0
    for place, roi in enumerate(given.StructureSetROISequence, 1):
        was, now = before[roi.ROINumber], after.get(roi.ROINumber, [])
        assert all(c in was for c in now) and now == [c for c in was if c in now]  # the same, in order
        if (goes == place).any() and not (keeps == place).any():
            assert roi.ROINumber not in after
            gone += 1
        else:
            drawn = rasterised([c[1] for c in now if c[0] == "CLOSED_PLANAR"], affine, keeps.shape)
            assert (drawn == (keeps == place)).all(), (roi.ROIName, int(drawn.sum()), int((keeps == place).sum()))
    assert gone and left.PredecessorStructureSetSequence[0].ReferencedSOPInstanceUID == given.SOPInstanceUID
    return f"{len(before)} ROIs, {gone} go"


def check(path, result):
    given, left = pydicom.dcmread(path), pydicom.dcmread(result + "/kept.dcm")
    (keeps, affine), (goes, _) = volume(result + "/kept.nii.gz"), volume(result + "/taken_out.nii.gz")
    assert (keeps > 0).any() and (goes > 0).any() and not ((keeps > 0) & (goes > 0)).any()
    assert without_changes(given) == without_changes(left)
    assert given.SOPInstanceUID != left.SOPInstanceUID and given.SeriesInstanceUID != left.SeriesInstanceUID
    assert left.ContributingEquipmentSequence[-1].ManufacturerModelName == "petrel-classify"
    assert left.file_meta.MediaStorageSOPInstanceUID == left.SOPInstanceUID
    said = seg_check(given, left, keeps, goes, affine, result) if given.Modality == "SEG" else rtstruct_check(given, left, keeps, goes, affine)
    print(f"{os.path.basename(path)}: {said}; all as they should")


{"make": make, "check": check}[sys.argv[1]](*sys.argv[2:])
