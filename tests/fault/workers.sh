#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# workers -- R10: 1 to 64 workers, in whatever order they come by their work: the same cache, the same weights.
#   tests/fault/workers.sh [BUILD_DIR] [RUNS]      so many runs of each (2): 1, 64, and numbers between that are drawn
. "$(dirname "$0")/lib.sh" "${1:-build}"
runs=${2:-2}
small_quietly small_cache
small_recipe 2 >small.conf
differ=0 count=0
for ((i = 0; i < runs; i++)); do
    case $i in 0) n=64 ;; 1) n=1 ;; *) n=$((1 + $(below 64))) ;; esac
    rm -rf out cache
    # most of 64 find nothing to do: they must not be in the way
    "$TOP/pipelines/pretrain.sh" --cache "$SMALL/cache" --recipe small.conf --out out -j "$n" >log 2>&1 || { tail -n 5 log; differ=$((differ + 1)); }
    [ -e first ] || cp out/encoder.safetensors first
    cmp first out/encoder.safetensors || differ=$((differ + 1))
    "$TOP/pipelines/rois.sh" "$SMALL/cohort/scans.tsv" --out cache -j $((1 + n % 8)) >log 2>&1 || { tail -n 5 log; differ=$((differ + 1)); }
    cmp <(petrel-cache verify "$SMALL/cache") <(petrel-cache verify cache) || differ=$((differ + 1))
    count=$((count + 2))
    echo "$n workers: done"
done
tell R10 "1 to 64 workers: other bytes" "$count" runs 0 0 "$differ"
