# SPDX-License-Identifier: Apache-2.0
"""readers -- a result's DICOM objects as other people's software reads them, against its NIfTI label map and its JSON.
  readers.py RESULT      RESULT: a folder of petrel-classify with seg.dcm, sr.dcm, rtstruct.dcm and probability.dcm in it
highdicom, dcmqi (segimage2itkimage, tid1500reader), pydicom and nibabel; versions in tests/peers.txt. Every voxel, every number."""
import json, os, subprocess, sys, tempfile
import highdicom as hd
import nibabel as nib
import numpy as np
import pydicom

result = sys.argv[1]
told = json.load(open(result + "/regions.json"))
image = nib.load(result + "/labels.nii.gz")
label, inverse = np.asarray(image.dataobj).astype(int), np.linalg.inv(image.affine)
lps = np.diag([-1.0, -1, 1, 1])


def dcmqi(program, *words):
    beside = os.path.join(os.path.dirname(sys.executable), program)
    subprocess.run([beside, *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def onto(values, affine):
    """Values on another grid of the same voxels, put where they lie in the label map."""
    made, at = np.zeros(label.shape), np.argwhere(values > 0)
    index = (inverse @ affine @ np.c_[at, np.ones(len(at))].T)[:3]
    assert np.abs(index - np.rint(index)).max() < 0.05
    made[tuple(np.rint(index).astype(int))] = values[tuple(at.T)]
    return made


with tempfile.TemporaryDirectory() as tmp:
    # SEG
    seg = hd.seg.segread(result + "/seg.dcm")
    number = np.array([0] + [int(s.SegmentLabel.split()[1].strip(",")) for s in seg.SegmentSequence])
    assert sorted(number[1:]) == sorted(r["region"] for r in told["regions"])
    volume = seg.get_volume(combine_segments=True, atol=0.2)  # slices of real scanners are some per cent off where beds meet
    assert (number[onto(volume.array.astype(int), lps @ volume.affine).astype(int)] == label).all()
    for s, r in zip(seg.SegmentSequence, sorted(told["regions"], key=lambda r: r["region"])):
        assert s.SegmentAlgorithmType == "AUTOMATIC" and s.SegmentAlgorithmName == "petrel-classify"
        assert (s.SegmentedPropertyTypeCodeSequence[0].CodeValue == "108369006") == bool(r["tumour"])
        for code in (s.SegmentedPropertyTypeCodeSequence[0], s.SegmentedPropertyCategoryCodeSequence[0]):
            assert code.CodingSchemeDesignator == "SCT"
    dcmqi("segimage2itkimage", "--inputDICOM", result + "/seg.dcm", "--outputDirectory", tmp, "--prefix", "q", "-t", "nii", "--mergeSegments")
    merged = nib.load(tmp + "/q-1.nii.gz")
    assert (number[onto(np.asarray(merged.dataobj).astype(int), merged.affine).astype(int)] == label).all()
    # the probability, to 1/255
    chance = {r["region"]: r["probability"] for r in told["regions"]}
    fraction = hd.seg.segread(result + "/probability.dcm").get_volume(atol=0.2)
    there = onto(fraction.array[..., 0], lps @ fraction.affine)
    want = np.vectorize(lambda n: chance.get(n, 0.0))(label)
    assert np.abs(there - want).max() <= 0.5 / 255 + 1e-6
    # SR: by two readers
    dcmqi("tid1500reader", "--inputDICOM", result + "/sr.dcm", "--outputMetadata", tmp + "/sr.json")
    groups = [g for g in json.load(open(tmp + "/sr.json"))["Measurements"] if "ReferencedSegment" in g]
    report = hd.sr.srread(result + "/sr.dcm").content.get_volumetric_roi_measurement_groups()
    assert len(groups) == len(report) == len(told["regions"])
    uid = {s.SegmentNumber: s.TrackingUID for s in seg.SegmentSequence}
    names = {("SUVbw", "Maximum"): "suv_max", ("SUVbw", "Mean"): "suv_mean", ("SUVbw", "Peak Value Within ROI"): "suv_peak",
             ("Volume", ""): "ml", ("Total Lesion Glycolysis", ""): "tlg_g"}
    by_number = {r["region"]: r for r in told["regions"]}
    checked = 0
    for g, h in zip(groups, report):
        r = by_number[number[g["ReferencedSegment"]]]
        assert g["TrackingUniqueIdentifier"] == uid[g["ReferencedSegment"]] == h.tracking_uid
        for m in g["measurementItems"]:
            key = (m["quantity"]["CodeMeaning"], m.get("derivationModifier", {}).get("CodeMeaning", ""))
            if key in names:
                assert float(m["value"]) == r[names[key]], (key, m["value"], r[names[key]])
                checked += 1
            if key[0].startswith("SUV"):
                assert m["units"]["CodeValue"] == "g/ml{SUVbw}"
            if key[0] == "Probability of cancer":
                assert abs(float(m["value"]) - 100 * r["probability"]) < 1e-9
    assert checked >= 4 * len(groups)
    # RTSTRUCT: pixels whose middles lie in a contour, even-odd
    rt = pydicom.dcmread(result + "/rtstruct.dcm")
    roi = {s.ROINumber: int(s.ROIName.split()[1].strip(",")) for s in rt.StructureSetROISequence}
    drawn = np.zeros(label.shape, int)
    for r in rt.ROIContourSequence:
        for c in r.ContourSequence:
            p = np.array(c.ContourData, float).reshape(-1, 3) @ lps[:3, :3]
            p = (inverse @ np.c_[p, np.ones(len(p))].T)[:3].T
            flat = int(np.argmin(np.ptp(p, axis=0)))
            assert np.ptp(p[:, flat]) < 0.01
            a, b = [k for k in range(3) if k != flat]
            low, high = np.floor(p.min(0)).astype(int), np.ceil(p.max(0)).astype(int)
            for i in range(low[a], high[a] + 1):
                q = np.roll(p, -1, axis=0)
                cross = (p[:, a] <= i) != (q[:, a] <= i)
                edge = p[cross, b] + (q[cross, b] - p[cross, b]) * (i - p[cross, a]) / (q[cross, a] - p[cross, a])
                for j in range(low[b], high[b] + 1):
                    if (edge > j).sum() % 2:
                        at = [0, 0, 0]
                        at[a], at[b], at[flat] = i, j, int(np.rint(p[0, flat]))
                        drawn[tuple(at)] = roi[r.ReferencedROINumber]
    assert (drawn == label).all()
print(f"{len(groups)} regions, {int((label > 0).sum())} voxels: SEG by highdicom {hd.__version__} and dcmqi, SR by both, RTSTRUCT: equal")
