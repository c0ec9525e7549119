#!/usr/bin/env python3
"""Golden SUV factors, from the definitions alone: writes cases.tsv beside this file.

Made with Python 3.11.7 (math only). Every number is worked out here from the decay law, not from Petrel:
    activity at t after injection = dose * exp(-ln2 * t / T)
    factor = weight_g / that activity, at the moment the image's values belong to.
"""
import math
import os

LN2 = math.log(2)


def factor(weight_kg, dose, half_life, delay):
    return weight_kg * 1000 / (dose * math.exp(-LN2 * delay / half_life))


def mean_time(frame, half_life):
    """Moment in a frame at which the activity is the frame's mean: by bisection, not by the closed form."""
    k = LN2 / half_life
    mean = (1 - math.exp(-k * frame)) / (k * frame)
    low, high = 0.0, frame
    for _ in range(200):
        middle = (low + high) / 2
        if math.exp(-k * middle) > mean:
            low = middle
        else:
            high = middle
    return (low + high) / 2


F18 = 6586.2
rows = []


def case(name, units, decay, vendor, weight, dose, half, inject, series, acquire, start, ref, duration, delay, f):
    rows.append([name, units, decay, vendor] + [repr(float(v)) for v in
                (weight, dose, half, inject, series, acquire, start, ref, duration, delay, f)])


nan = float("nan")
H = 3600
# a scan like the GE sarcoma series: series time is the start
case("start-series", "BQML", "START", "GE", 71, 388.777472e6, 6588, 38100, 40811, 40811, nan, 0, 240, 2711,
     factor(71, 388.777472e6, 6588, 2711))
# over midnight: injected 23:30, scanned 00:30 of what the file calls the same day
case("start-midnight", "BQML", "START", "SIEMENS", 80, 300e6, F18, 23.5 * H, 0.5 * H, 0.5 * H, nan, 0, 120, H,
     factor(80, 300e6, F18, H))
# series made later than the scan: the vendor's own start counts
case("start-vendor", "BQML", "START", "SIEMENS", 64.5, 250e6, F18, 9 * H, 15 * H, 10.1 * H, 10 * H, 60, 120, H,
     factor(64.5, 250e6, F18, H))
# ... and without it, AcquisitionTime - FrameReferenceTime (GE), with Tavg added (others)
case("start-late-ge", "BQML", "START", "GE MEDICAL SYSTEMS", 64.5, 250e6, F18, 9 * H, 15 * H, 10.1 * H, nan, 0.1 * H, 180, H,
     factor(64.5, 250e6, F18, H))
t = mean_time(180, F18)
case("start-late-other", "BQML", "START", "Philips", 64.5, 250e6, F18, 9 * H, 15 * H, 10.1 * H, nan, 0.1 * H + t, 180, H,
     factor(64.5, 250e6, F18, H))
case("admin", "BQML", "ADMIN", "SIEMENS", 55, 200e6, nan, nan, nan, nan, nan, nan, nan, 0, 55000 / 200e6)
t = mean_time(1200, F18)
case("none", "BQML", "NONE", "SIEMENS", 90, 350e6, F18, 8 * H, 9 * H, 9 * H, nan, nan, 1200, H + t, factor(90, 350e6, F18, H + t))
case("suv", "SUV", "", "", nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, 1)
case("gml", "GML", "START", "", nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, 1)

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases.tsv"), "w") as out:
    out.write("name\tunits\tdecay\tvendor\tweight_kg\tdose_bq\thalf_life_s\tinjection_s\tseries_s\tacquisition_s\tscan_start_s\t"
              "frame_reference_s\tframe_duration_s\tdelay_s\tfactor\n")
    for row in rows:
        out.write("\t".join(row) + "\n")
