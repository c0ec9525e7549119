#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""followup_score -- what petrel-followup said of simulated patients' lesions, against what became of them (followup.tsv of petrel-simulate).

    followup_score.py COHORT EARLIER LATER [--wrong]     COHORT: of petrel-simulate --follow-up; EARLIER, LATER: folders of results, LATER's with
                                                         followup.csv; --wrong: each lesion that is wrong, on a line
A lesion's region is the one its middle lies in. One "of its own" holds the middle of no other lesion of that visit: regions that hold two lesions cannot
be told apart by anybody. Everything here is simulated. Needs nibabel and NumPy."""
import collections, csv, glob, os, sys

import nibabel as nib
import numpy as np

cohort, earlier, later = sys.argv[1:4]
wrong = "--wrong" in sys.argv[4:]


def result(folder, patient):
    found = glob.glob(f"{folder}/{patient}_*")
    assert len(found) == 1, (folder, patient, found)
    return found[0]


class Labels:
    def __init__(self, path):
        image = nib.load(path + "/labels.nii.gz")
        self.value, self.back = np.asarray(image.dataobj), np.linalg.inv(image.affine)

    def at(self, place):
        index = np.rint(self.back[:3, :3] @ place + self.back[:3, 3]).astype(int)
        inside = (index >= 0).all() and (index < self.value.shape).all()
        return int(self.value[tuple(index)]) if inside else 0


def place(row, visit):
    return np.array([float(row[f"{visit}_{axis}"]) for axis in "xyz"]) if row[f"{visit}_x"] else None


count, confusion = collections.Counter(), collections.Counter()
for path in sorted(glob.glob(f"{cohort}/*/SIMULATED_FOLLOWUP/followup.tsv")):
    patient = path.split("/")[-3]
    of = {"earlier": result(earlier, patient), "later": result(later, patient)}
    label = {visit: Labels(folder) for visit, folder in of.items()}
    with open(path) as lines:
        truth = list(csv.DictReader((line for line in lines if line[0] != "#"), delimiter="\t"))
    rows = list(csv.DictReader(open(of["later"] + "/followup.csv", newline="")))
    row_of = {visit: {int(n): row for row in rows for n in row[f"{visit}_regions"].split()} for visit in of}
    region = [{visit: label[visit].at(place(row, visit)) if place(row, visit) is not None else 0 for visit in of} for row in truth]
    held = {visit: collections.Counter(r[visit] for r in region) for visit in of}
    count["patients"] += 1
    for row, r in zip(truth, region):
        own = all(r[visit] == 0 or held[visit][r[visit]] == 1 for visit in of)
        fate, there = row["fate"], {visit: row_of[visit].get(r[visit]) for visit in of}
        count["lesions"] += 1
        if fate in ("gone", "new"):
            visit = "earlier" if fate == "gone" else "later"
            if not r[visit]:
                continue
            good = there[visit]["change"] == fate
            name = fate if own else f"{fate} (its region holds another lesion, too)"
        elif r["earlier"] and r["later"]:
            good, name = there["earlier"] is there["later"], "paired"
            if good and own:
                confusion[fate, there["later"]["change"]] += 1
        else:
            continue
        count[name, "all"] += 1
        count[name, "right"] += good
        if wrong and not good:
            said = {v: f"{t['change']} ({t['earlier_regions']} | {t['later_regions']})" if t else "none" for v, t in there.items()}
            print(f"wrong: {patient} {fate}: region {r['earlier']} and {r['later']}, said {said['earlier']} and {said['later']}"
                  f"; diameter x {row['diameter_factor']}, uptake x {row['suv_factor']}{'' if own else '; not its own'}")
print(f"{count['patients']} simulated patients, {count['lesions']} lesions")
for name in ("paired", "gone", "new", "gone (its region holds another lesion, too)", "new (its region holds another lesion, too)"):
    if count[name, "all"]:
        print(f"{name}: {count[name, 'right']} of {count[name, 'all']} right")
fates = ("stable", "grown", "shrunk")
right = sum(confusion[f, f] for f in fates)
print(f"by total lesion glycolysis, of {sum(confusion.values())} paired lesions with regions of their own: {right} as it was; the wrong way round: "
      f"{confusion['grown', 'shrunk'] + confusion['shrunk', 'grown']}")
for f in fates:
    print(f"    {f}: " + ", ".join(f"{confusion[f, g]} {g}" for g in fates))
