# SPDX-License-Identifier: Apache-2.0
"""The event files of a run, opened by TensorBoard itself: every step once, the numbers of losses.csv.
tests/cli/peers.bats runs it with the Python of tests/peers.sh.
    build/peers/bin/python tensorboard_check.py EVENTS_FOLDER LOSSES_CSV"""
import csv
import sys

from tensorboard import version
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
events.Reload()
tags = events.Tags()["scalars"]
with open(sys.argv[2]) as f:
    rows = list(csv.DictReader(f))
steps = 0
for row in rows:  # there the steps of an epoch, here those of the run; validation stands at the last of its epoch
    steps += row["set"] == "train"
    row["point"] = steps - 1
points = 0
for kind in ("train", "validation"):
    want = [r for r in rows if r["set"] == kind]
    assert want, f"{sys.argv[2]} has no {kind} rows"
    for column in ("loss", "invariance", "variance", "covariance", "lr"):
        tag = f"{kind}/{column}"
        if column not in want[0] or tag == "validation/lr":
            continue
        assert tag in tags, f"TensorBoard has no '{tag}', but {tags}"
        got = events.Scalars(tag)
        assert [e.step for e in got] == [r["point"] for r in want], f"{tag} has steps {[e.step for e in got]}"
        for e, r in zip(got, want):  # a float32 beside its digits
            assert abs(e.value - float(r[column])) <= 1e-6 * abs(e.value), f"{tag}, step {e.step}: {e.value}, {r[column]}"
        points += len(got)
print(f"TensorBoard {version.VERSION}: {len(tags)} curves ({', '.join(sorted(tags))}), {points} points equal to losses.csv")
