#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
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


def lean_james(sex, kg, cm):
    """James, W. P. T., Research on Obesity, HMSO 1976, in kg."""
    a, b = {"M": (1.10, 128.0), "F": (1.07, 148.0)}[sex]
    return a * kg - b * (kg / cm) ** 2


def lean_janmahasatian(sex, kg, cm):
    """Janmahasatian et al., Clin Pharmacokinet 2005;44:1051, in kg."""
    bmi = kg / (cm / 100) ** 2
    a, b = {"M": (6.68e3, 216.0), "F": (8.78e3, 244.0)}[sex]
    return 9.27e3 * kg / (a + b * bmi)


def surface_dubois(kg, cm):
    """Du Bois and Du Bois 1916, in cm2."""
    return 71.84 * kg ** 0.425 * cm ** 0.725


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


def case(name, units, decay, vendor, weight, dose, half, inject, series, acquire, start, ref, duration, delay, f,
         formula="bw", sex="", height=float("nan"), count=float("nan")):
    rows.append([name, units, decay, vendor, formula, sex] + [repr(float(v)) for v in
                (weight, height, dose, half, inject, series, acquire, start, ref, duration, count, delay, f)])


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

# several beds: the earliest bed's time and no other (series_facts picks it); the series begins with it
case("beds", "BQML", "START", "SIEMENS", 70, 280e6, F18, 9.5 * H, 10.5 * H, 10.5 * H, nan, 900, 120, H, factor(70, 280e6, F18, H))
# over midnight with dates: the scan's times go on past 86,400 s
case("dated-midnight", "BQML", "START", "SIEMENS", 80, 300e6, F18, 23.75 * H, 24.8 * H, 24.8 * H, nan, 0, 120, 1.05 * H,
     factor(80, 300e6, F18, 1.05 * H))
# GE's (0009,100D) and Siemens' (0071,1022) are both the scan's own start
case("start-vendor-ge", "BQML", "START", "GE MEDICAL SYSTEMS", 64.5, 250e6, F18, 9 * H, 15 * H, 10.1 * H, 10.05 * H, 60, 120, 1.05 * H,
     factor(64.5, 250e6, F18, 1.05 * H))
# a vendor's start does not matter while SeriesTime is not later than the acquisition
case("series-before-vendor", "BQML", "START", "SIEMENS", 64.5, 250e6, F18, 9 * H, 10 * H, 10.1 * H, 10.05 * H, 60, 120, H,
     factor(64.5, 250e6, F18, H))
# Philips: counts, with an SUV a count (7053,1000), or Bq/mL a count (7053,1009)
case("philips-suv", "CNTS SUV", "START", "Philips", nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, 0.000551286, count=0.000551286)
case("philips-bqml", "CNTS BQML", "START", "Philips", 82, 410e6, F18, 9 * H, 10 * H, 10 * H, nan, 0, 90, H,
     1.5421 * factor(82, 410e6, F18, H), count=1.5421)
# lean mass and surface: a man and a woman of the same size, so that swapped sexes show
for sex in "MF":
    for formula, body in (("james", 1000 * lean_james(sex, 78, 172)), ("janmahasatian", 1000 * lean_janmahasatian(sex, 78, 172)),
                          ("bsa", surface_dubois(78, 172))):
        case(f"{formula}-{sex}", "BQML", "START", "SIEMENS", 78, 290e6, F18, 9 * H, 10 * H, 10 * H, nan, 0, 120, H,
             factor(body / 1000, 290e6, F18, H), formula, sex, 1.72)
        # the same from a volume that is SUVbw already
        case(f"suv-to-{formula}-{sex}", "SUV", "", "", 78, nan, nan, nan, nan, nan, nan, nan, nan, nan, body / 78000, formula, sex, 1.72)
case("janma-admin", "BQML", "ADMIN", "SIEMENS", 55, 200e6, nan, nan, nan, nan, nan, nan, nan, 0,
     1000 * lean_janmahasatian("F", 55, 161) / 200e6, "janmahasatian", "F", 1.61)
case("gml-james", "GML LBMJAMES128", "START", "", nan, nan, nan, nan, nan, nan, nan, nan, nan, nan, 1, "james")
case("gml-james-to-bw", "GML LBMJAMES128", "START", "", 90, nan, nan, nan, nan, nan, nan, nan, nan, nan, 90 / lean_james("M", 90, 185),
     "bw", "M", 1.85)
case("gml-janma-to-james", "GML LBMJANMA", "START", "", 90, nan, nan, nan, nan, nan, nan, nan, nan, nan,
     lean_james("F", 90, 165) / lean_janmahasatian("F", 90, 165), "james", "F", 1.65)
case("cm2ml-to-bw", "CM2ML", "START", "", 90, nan, nan, nan, nan, nan, nan, nan, nan, nan, 90000 / surface_dubois(90, 165), "bw", "F", 1.65)
case("philips-suv-to-james", "CNTS SUV", "START", "Philips", 78, nan, nan, nan, nan, nan, nan, nan, nan, nan,
     0.0005 * lean_james("F", 78, 172) / 78, "james", "F", 1.72, 0.0005)

# another sex: the mean of what the formula has for men and for women
def mean_of(formula, *size):
    return (formula("M", *size) + formula("F", *size)) / 2


for formula, lean in (("james", lean_james), ("janmahasatian", lean_janmahasatian)):
    case(f"{formula}-O", "BQML", "START", "SIEMENS", 78, 290e6, F18, 9 * H, 10 * H, 10 * H, nan, 0, 120, H,
         factor(mean_of(lean, 78, 172), 290e6, F18, H), formula, "O", 1.72)


def lean_morgan(sex, kg, cm):
    """SUVType LBM, as the SUV benchmark's manual has it (after Sugawara), in kg."""
    a, b = {"M": (1.10, 120.0), "F": (1.07, 148.0)}[sex]
    return a * kg - b * (kg / cm) ** 2


def ideal(sex, kg, cm):
    """SUVType IBW, the same source, in kg."""
    a, b = {"M": (48.0, 1.06), "F": (45.5, 0.91)}[sex]
    return a + b * (cm - 152)


for sex in "MFO":
    for kind, body in (("LBM", lean_morgan), ("IBW", ideal), ("LBMJAMES128", lean_james), ("LBMJANMA", lean_janmahasatian)):
        kg = mean_of(body, 78, 172) if sex == "O" else body(sex, 78, 172)
        case(f"gml-{kind.lower()}-{sex}-to-bw", f"GML {kind}", "START", "", 78, nan, nan, nan, nan, nan, nan, nan, nan, nan, 78 / kg, "bw", sex, 1.72)
# counts a second of a dose-calibrated image: Bq in a voxel of 4 x 4 x 5 mm
case("cps", "CPS BQML", "START", "GE", 71, 388.777472e6, 6588, 38100, 40811, 40811, nan, 0, 240, 2711,
     factor(71, 388.777472e6, 6588, 2711) / 0.08, count=1 / 0.08)
# the series was made anew, and the frames' clock says no more than the acquisition: not after it (CPS, FrameReferenceTime 0)
case("not-after-acquisition", "BQML", "START", "CPS", 69, 388e6, F18, 12 * H + 37, 49758, 47028.234, nan, 0, 180, 47028.234 - 12 * H - 37,
     factor(69, 388e6, F18, 47028.234 - 12 * H - 37))
# a dose in MBq, a weight in grams, half-lives in minutes and hours
case("mbq", "BQML", "START", "GE", 71, 388.777472, 6588, 38100, 40811, 40811, nan, 0, 240, 2711, factor(71, 388.777472e6, 6588, 2711))
case("grams", "BQML", "START", "GE", 71000, 388.777472e6, 6588, 38100, 40811, 40811, nan, 0, 240, 2711, factor(71, 388.777472e6, 6588, 2711))
case("minutes", "BQML", "START", "GE", 71, 388.777472e6, 109.8, 38100, 40811, 40811, nan, 0, 240, 2711, factor(71, 388.777472e6, 6588, 2711))
case("hours", "BQML", "START", "GE", 71, 388.777472e6, 1.83, 38100, 40811, 40811, nan, 0, 240, 2711, factor(71, 388.777472e6, 6588, 2711))

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases.tsv"), "w") as out:
    out.write("name\tunits\tdecay\tvendor\tformula\tsex\tweight_kg\theight_m\tdose_bq\thalf_life_s\tinjection_s\tseries_s\tacquisition_s\tscan_start_s\t"
              "frame_reference_s\tframe_duration_s\tcount\tdelay_s\tfactor\n")
    for row in rows:
        out.write("\t".join(row) + "\n")
