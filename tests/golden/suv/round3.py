#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The SUV benchmark's newer list, made from its first object by what the list says of each:   round3.py DRO_0_0 TO

TO/NAME/: a series each, 43 to convert (SUV 0.20, 1.00, 4.00 inside the mask) and 15 to refuse (DRO_error_...). Voxels stay as they are: the
slope makes up for what a header changes, worked out here from the manual's formulas, not from Petrel. Needs pydicom (3.0.1 was used).
What the list leaves open is chosen here: beds, durations and clocks as in the 17 objects; GE's frame reference time is that of the frame's
start; Zr-89 is scanned 72 hours after injection.
"""
import copy
import glob
import math
import os
import sys

import pydicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

F18, GA68, ZR89 = 6586.2, 4057.7, 282240.0
W, H, DOSE = 70.0, 1.75, 368.08e6


def factor(body_g=W * 1000, dose=DOSE, delay=3600.0, half=F18):
    return body_g / (dose * 2 ** (-delay / half))


BASE = factor()


def average(duration, half=F18):
    k = math.log(2) / half
    return math.log(k * duration / (1 - math.exp(-k * duration))) / k


def lean(kind, sex):
    cm, bmi = 100 * H, W / H ** 2
    of = {"LBMJAMES128": (1.10 * W - 128 * (W / cm) ** 2, 1.07 * W - 148 * (W / cm) ** 2),
          "LBMJANMA": (9270 * W / (6680 + 216 * bmi), 9270 * W / (8780 + 244 * bmi)),
          "IBW": (48.0 + 1.06 * (cm - 152), 45.5 + 0.91 * (cm - 152))}[kind]
    return {"M": of[0], "F": of[1], "O": sum(of) / 2}[sex]


def injected(d):
    return d.RadiopharmaceuticalInformationSequence[0]


def put(**values):
    """Attributes of the slice, or of what was injected; None: left out."""
    def edit(d, k):
        for name, value in values.items():
            at = injected(d) if name.startswith("Radio") else d
            if value is not None:
                setattr(at, name, value)
            elif name in at:
                delattr(at, name)
        return 1.0
    return edit


def private(group, creator, element, vr, value):
    def edit(d, k):
        d.private_block(group, creator, create=True).add_new(element, vr, value)
        return 1.0
    return edit


def scaled(slope):
    return lambda d, k: slope


def several(*edits):
    return lambda d, k: math.prod(e(d, k) for e in edits)


MAKERS = {"siemens": "SIEMENS", "ge": "GE MEDICAL SYSTEMS", "philips": "Philips Medical Systems", "synthetic": "Synthetic"}


def beds(maker, series, none=False):
    """Two beds, from 11:02:30 and 11:05:00 on, of a scan that began at 11:00:00; 5 minutes each."""
    def edit(d, k):
        late = 300.0 if k >= 10 else 150.0
        d.Manufacturer, d.SeriesTime, d.ActualFrameDuration = MAKERS[maker], series, 300000
        d.AcquisitionTime = "1105%02d" % 0 if late == 300 else "110230"
        d.FrameReferenceTime = 1000 * (late + (0 if maker == "ge" else average(300.0)))
        if none:
            d.DecayCorrection, d.CorrectedImage = "NONE", ["NORM", "DTIM", "ATTN", "SCAT", "RAN"]
            return 2 ** (-(late + average(300.0)) / F18)
        return 1.0
    return edit


def same(maker):
    """SeriesTime is AcquisitionTime is the start."""
    def edit(d, k):
        d.Manufacturer = MAKERS[maker]
        d.FrameReferenceTime = 0 if maker == "ge" else 1000 * average(300.0)
        return 1.0
    return edit


def gml(kind, sex):
    slope = BASE * lean(kind, sex) / W if kind else BASE
    return several(put(Units="GML", SUVType=kind or "BW", PatientSex=sex), scaled(slope))


def nuclide(code, meaning, half, tracer):
    def edit(d, k):
        c = injected(d).RadionuclideCodeSequence[0]
        c.CodeValue, c.CodeMeaning = code, meaning
        injected(d).RadionuclideHalfLife, injected(d).Radiopharmaceutical = str(half), tracer
        return 1.0
    return edit


def night(**more):
    at = dict(StudyDate="20250102", SeriesDate="20250102", AcquisitionDate="20250102", StudyTime="003000", SeriesTime="003000", AcquisitionTime="003000",
              RadiopharmaceuticalStartTime="233000", RadiopharmaceuticalStartDateTime=None)
    at.update(more)
    return put(**at)


ZIRCONIUM = several(nuclide("C-168A4", "^89^Zirconium", ZR89, "Zr-89 antibody"), put(RadiopharmaceuticalStartDateTime="20241229110000"),
                    put(RadiopharmaceuticalStartTime="110000"), scaled(BASE / factor(delay=72 * 3600.0, half=ZR89)))
PHILIPS = put(Manufacturer=MAKERS["philips"], Units="CNTS")

OBJECTS = {
    "DRO_0_0": put(), "DRO_1_0": lambda d, k: 1.0, "DRO_2_0": gml("", "O"),
    "DRO_2_1_0": gml("LBMJAMES128", "M"), "DRO_2_1_1": gml("LBMJAMES128", "F"), "DRO_2_1_2": gml("LBMJAMES128", "O"),
    "DRO_2_2_0": gml("IBW", "M"), "DRO_2_2_1": gml("IBW", "F"), "DRO_2_2_2": gml("IBW", "O"),
    "DRO_2_3": several(put(Units="CM2ML", SUVType="BSA"), scaled(BASE * 71.84 * W ** 0.425 * (100 * H) ** 0.725 / (1000 * W))),
    "DRO_2_4": several(PHILIPS, private(0x7053, "Philips PET Private Group", 0x00, "DS", "0.0005"), scaled(BASE / 0.0005)),
    "DRO_2_5": several(PHILIPS, private(0x7053, "Philips PET Private Group", 0x09, "DS", "0.5"), scaled(1 / 0.5)),
    "DRO_2_6_0": gml("LBMJANMA", "M"), "DRO_2_6_1": gml("LBMJANMA", "F"), "DRO_2_6_2": gml("LBMJANMA", "O"),
    "DRO_3_0": put(RadionuclideTotalDose="368.08"),
    "DRO_3_1": several(put(DecayCorrection="ADMIN"), scaled(BASE / factor(delay=0))),
    **{f"DRO_3_2_{i}": beds(m, "113000") for i, m in enumerate(MAKERS)},
    "DRO_3_3_0": several(beds("siemens", "113000"), private(0x71, "SIEMENS MED PT", 0x22, "DT", "20250101110000.000000")),
    "DRO_3_3_1": several(beds("ge", "113000"), private(9, "GEMS_PETD_01", 0x0D, "DT", "20250101110000.000000")),
    **{f"DRO_3_4_{i}": several(beds(m, "110000", none=True), *([PHILIPS, private(0x7053, "Philips PET Private Group", 0x09, "DS", "0.5"), scaled(2)]
                                                              if m == "philips" else [])) for i, m in enumerate(MAKERS)},
    **{f"DRO_3_5_{i}": same(m) for i, m in enumerate(MAKERS)},
    "DRO_4_0": put(RadiopharmaceuticalStartTime=None), "DRO_4_1": put(RadiopharmaceuticalStartDateTime=None),
    "DRO_4_2": night(), "DRO_4_3": night(RadiopharmaceuticalStartDateTime="20250101233000"),
    "DRO_4_4": night(AcquisitionDate="19000101", RadiopharmaceuticalStartDateTime="20250101233000"),
    "DRO_4_5": ZIRCONIUM,
    "DRO_5_0": several(nuclide("C-131A3", "^68^Gallium", GA68, "Ga68-PSMA"), scaled(BASE / factor(half=GA68))),
    "DRO_error_2_0": put(PatientWeight=None), "DRO_error_2_1": put(PatientWeight="0"),
    "DRO_error_2_2": several(gml("IBW", "O"), put(PatientSex=None)), "DRO_error_2_3": several(gml("IBW", "O"), put(PatientSex="N")),
    "DRO_error_2_4": several(gml("IBW", "O"), put(PatientSize=None)), "DRO_error_2_5": several(gml("IBW", "O"), put(PatientSize="0")),
    "DRO_error_2_6": PHILIPS, "DRO_error_2_7": put(Units="PROPCNTS"),
    "DRO_error_3_0": put(RadionuclideTotalDose=None), "DRO_error_3_1": put(RadionuclideTotalDose="-368080000"),
    "DRO_error_3_2": put(ActualFrameDuration=None),
    "DRO_error_4_0": put(RadiopharmaceuticalStartTime=None, RadiopharmaceuticalStartDateTime=None),
    "DRO_error_4_1": several(ZIRCONIUM, put(RadiopharmaceuticalStartDateTime=None)),
    "DRO_error_4_2": several(ZIRCONIUM, put(RadiopharmaceuticalStartDateTime="19000101110000")),
    "DRO_error_5_0": put(RadionuclideHalfLife=None),
}
SLOPES = {"DRO_1_0": (3.0, 4.0)}  # by slice: the stored values are divided by them, as far as whole numbers go


# ---- Enhanced PET: all slices in one file (DICOM PS3.3 A.56)

def item(**values):
    d = Dataset()
    for name, value in values.items():
        setattr(d, name, value)
    return d


def one(**values):
    return Sequence([item(**values)])


def code(value, scheme, meaning):
    return one(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def enhanced(slices, slopes=None, units=("Bq/ml", "Becquerels/milliliter"), scale=1.0, series="110000", corrected="YES", beds_s=(0.0, 0.0)):
    """slopes: by frame; units: of the real world values; beds_s: when the two halves were acquired, after 11:00."""
    first = slices[0]
    d = copy.deepcopy(first)
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "RescaleSlope", "RescaleIntercept", "Units",
                 "DecayCorrection", "CorrectedImage", "FrameReferenceTime", "ActualFrameDuration", "AcquisitionTime", "AcquisitionDate", "SliceLocation",
                 "SeriesType", "DecayFactor", "RescaleType", "SUVType"):
        if name in d:
            delattr(d, name)
    d.SOPClassUID = d.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.130"
    d.SeriesTime, d.AcquisitionDateTime, d.ImageType = series, "20250101110000", ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    d.NumberOfFrames = len(slices)
    d.DecayCorrected = corrected
    if corrected == "YES":
        d.DecayCorrectionDateTime = "20250101110000"
    for name in ("AttenuationCorrected", "ScatterCorrected", "RandomsCorrected", "DeadTimeCorrected", "SensitivityCalibrated"):
        setattr(d, name, "YES")
    d.CountsSource = "EMISSION"
    d.PixelData = b"".join(s.PixelData for s in slices)
    d.SharedFunctionalGroupsSequence = one(
        PixelMeasuresSequence=one(PixelSpacing=first.PixelSpacing, SliceThickness=first.SliceThickness),
        PlaneOrientationSequence=one(ImageOrientationPatient=first.ImageOrientationPatient),
        PETFrameTypeSequence=one(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]),
        PETFrameCorrectionFactorsSequence=one(PrimaryPromptsCountsAccumulated=1, SliceSensitivityFactor=1.0, DecayFactor=1.0, ScatterFractionFactor=1.0,
                                              DeadTimeFactor=1.0))
    frames = []
    for k, s in enumerate(slices):
        bed = beds_s[1] if k >= len(slices) // 2 else beds_s[0]
        slope = (slopes[k] if slopes else 1.0) * scale
        if corrected == "NO":
            slope *= 2 ** (-(bed + average(300.0)) / F18)
        stamp = "2025010111%02d%09.6f"
        at, mean = bed, bed + average(300.0)
        frames.append(item(
            FrameContentSequence=one(FrameAcquisitionDateTime=stamp % (at // 60, at % 60), FrameReferenceDateTime=stamp % (mean // 60, mean % 60),
                                     FrameAcquisitionDuration=300000.0, StackID="1", InStackPositionNumber=k + 1, DimensionIndexValues=[1, k + 1]),
            PlanePositionSequence=one(ImagePositionPatient=s.ImagePositionPatient),
            PixelValueTransformationSequence=one(RescaleIntercept=0.0, RescaleSlope=slope, RescaleType="US"),
            RealWorldValueMappingSequence=one(RealWorldValueFirstValueMapped=-32768, RealWorldValueLastValueMapped=32767, RealWorldValueIntercept=0.0,
                                              RealWorldValueSlope=slope, LUTLabel="1", MeasurementUnitsCodeSequence=code(units[0], "UCUM", units[1]))))
    d.PerFrameFunctionalGroupsSequence = Sequence(frames)
    return d


ENHANCED = {
    "DRO_7_0_0": {},
    "DRO_7_1_0": {"slopes": (3.0, 4.0)},
    "DRO_7_2_0": {"units": ("g/ml{SUVbw}", "Standardized Uptake Value body weight"), "scale": BASE},
    "DRO_7_3_0": {"series": "113000"},
    "DRO_7_3_1": {"corrected": "NO", "beds_s": (0.0, 300.0)},
}


def divided(d, slope):
    import numpy
    stored = numpy.frombuffer(d.PixelData, "<i2")
    d.PixelData = numpy.rint(stored / slope).astype("<i2").tobytes()


def main():
    source, to = sys.argv[1:]
    files = sorted(glob.glob(source + "/PT/*.dcm"))
    number = 0
    for name in [*OBJECTS, *ENHANCED]:
        number += 1
        slices = [pydicom.dcmread(f) for f in files]
        folder = os.path.join(to, name)
        os.makedirs(folder, exist_ok=True)
        slopes = []
        for k, d in enumerate(slices):
            slope = OBJECTS.get(name, OBJECTS["DRO_0_0"])(d, k)
            pair = SLOPES.get(name) or ENHANCED.get(name, {}).get("slopes")
            if pair:
                slope = pair[k % 2]
                divided(d, slope)
            slopes.append(slope)
            d.RescaleSlope = pydicom.valuerep.DSfloat(slope, auto_format=True)
            d.SeriesInstanceUID = f"1.2.826.0.1.3680043.8.498.3.{number}"
            d.SOPInstanceUID = d.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.3680043.8.498.3.{number}.{k + 1}"
            d.SeriesDescription = "made from the SUV benchmark's DRO_0_0: " + name
        if name in ENHANCED:
            how = dict(ENHANCED[name], **({"slopes": slopes} if "slopes" in ENHANCED[name] else {}))
            enhanced(slices, **how).save_as(os.path.join(folder, "all.dcm"))
        else:
            for k, d in enumerate(slices):
                d.save_as(os.path.join(folder, f"{k:03d}.dcm"))


main()
