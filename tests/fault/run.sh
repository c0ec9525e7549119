#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh -- the fault campaigns: every program of BUILD_DIR/tests/fault, each of which prints its counts in a line.
#   tests/fault/run.sh [BUILD_DIR] [N]       N: how often each attacks; without it a few seconds' worth
# With N also train_kill.sh: 40 epochs, twice, the second time killed ten times, which takes long.
cd "$(dirname "$0")/../.." || exit 1
build=${1:-build} count=${2:-} failed=0 ran=0
for program in "$build"/tests/fault/*; do
    if [ ! -f "$program" ] || [ ! -x "$program" ]; then continue; fi
    ran=$((ran + 1))
    "$program" ${count:+"$count"}
    code=$?
    case $code in
    0 | 77) ;;
    *)
        echo "fault: $(basename "$program") failed with code $code" >&2
        failed=1
        ;;
    esac
done
[ -z "$count" ] || tests/fault/train_kill.sh "$build" || failed=1
[ "$ran" -gt 0 ] || { echo "fault: nothing under $build/tests/fault: make tests" >&2; exit 1; }
exit "$failed"
