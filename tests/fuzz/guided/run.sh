#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run -- libFuzzer over the parsers of foreign files, a while each.   make fuzz [SECONDS=60] [TARGETS="nifti dicom ..."]
#   tests/fuzz/guided/run.sh PROGRAM PARSERS [SECONDS] [TARGET...]     PARSERS: build/tests/fuzz/parsers, which makes the seed corpus
# What was learned stays in corpus/TARGET beside PROGRAM, and the next run begins with it. Ends with one line of counts; 1: a crash,
# a hang of more than a second or too much memory; the file is kept in the current folder.
set -u
program=$1 parsers=$2 seconds=${3:-60}
shift 3
corpus=$(dirname "$program")/corpus
[ -d "$corpus/seeds" ] || "$parsers" --corpus "$corpus/seeds" || exit
[ $# -gt 0 ] || set -- $(ls "$corpus/seeds")
# what is asked for beyond the cap is not there, as under petrel-load's RLIMIT_AS: DCMTK cannot know what an inflated element may claim
export ASAN_OPTIONS=max_allocation_size_mb=1000:allocator_may_return_null=1
total=0 bad=0
for target in "$@"; do
    mkdir -p "$corpus/$target"
    log=$corpus/$target.log
    # a second, and what a sanitizer and a busy machine take on top of it
    PETREL_FUZZ=$target "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=1024 -max_len=65536 \
        -artifact_prefix="crash-$target-" -print_final_stats=1 "$corpus/$target" "$corpus/seeds/$target" >"$log" 2>&1
    code=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    slowest=$(sed -n 's/^stat::slowest_unit_time_sec: *//p' "$log")
    echo "$target: ${runs:-0} files, ${edges:-0} edges, slowest ${slowest:-?} s: $([ $code = 0 ] && echo "no crash" || echo "CRASHED, see $log")"
    total=$((total + ${runs:-0}))
    [ $code = 0 ] || bad=$((bad + 1))
done
echo "$total files in all, $bad of $# targets crashed"
[ $bad = 0 ]
