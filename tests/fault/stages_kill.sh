#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# stages_kill -- R1: load, suv, roi, cache and pairs killed (kill -9) at random in real pipelines, until as many kills fell as are wanted. No scan
# is lost or there twice, the cache is an undisturbed one's, and so are the final weights.
#   tests/fault/stages_kill.sh [BUILD_DIR] [KILLS]      6
. "$(dirname "$0")/lib.sh" "${1:-build}"
wanted=${2:-6}
small_quietly small_cache
small_recipe 8 >long.conf
for copy in A B; do
    cp -rl "$SMALL/cohort" $copy
    sed "1d; s|^|$copy|; s|\tSIMULATED_\([0-9]*/\)|\t$copy/SIMULATED_\1|g" "$SMALL/cohort/scans.tsv"
done >rows
{ head -n 1 "$SMALL/cohort/scans.tsv" && cat rows; } >scans.tsv
"$TOP/pipelines/rois.sh" scans.tsv --out calm -j 2 --spacing 6,6,6 >log 2>&1 || { tail log; exit 1; }
"$TOP/pipelines/pretrain.sh" --cache "$SMALL/cache" --recipe long.conf --out calm.train -j 2 >log 2>&1 || { tail log; exit 1; }
petrel-cache verify calm >calm.verify
petrel-cache ls --json calm >calm.ls
kills=0 lost=0 repeated=0 wrong=0 runs=0
attack() { # attack PROGRAMS: up to 20 kills of them while the job goes, which is then left to end: the more jobs end, the more is compared
    local pids enough=$((kills + 1 + $(below 20)))
    [ $enough -lt "$wanted" ] || enough=$wanted
    while kill -0 "$job" 2>/dev/null && [ $kills -lt $enough ]; do
        sleep 0.$((1 + $(below 4)))$(below 10)
        mapfile -t pids < <(pgrep -g "$job" "^petrel-($1)\$" 2>/dev/null)
        [ ${#pids[@]} -gt 0 ] || continue
        kill -9 "${pids[$(below ${#pids[@]})]}" 2>/dev/null && kills=$((kills + 1))
    done
    wait "$job"
}
while [ $kills -lt "$wanted" ]; do
    rm -rf cache out
    runs=$((runs + 1))
    setsid "$TOP/pipelines/rois.sh" scans.tsv --out cache -j 2 --spacing 6,6,6 >log 2>&1 &
    job=$! fault_pids=("$job")
    attack 'load|suv|roi|cache' || { tail -n 5 log; wrong=$((wrong + 1)); }
    petrel-cache ls --json cache >now.ls 2>/dev/null
    there=$(grep -c '"file"' now.ls) should=$(grep -c '"file"' calm.ls)
    [ "$there" -ge "$should" ] || lost=$((lost + should - there))
    [ "$there" -le "$should" ] || repeated=$((repeated + there - should))
    petrel-cache verify cache 2>/dev/null | cmp - calm.verify || wrong=$((wrong + 1))
    cmp now.ls calm.ls || wrong=$((wrong + 1))
    [ $kills -lt "$wanted" ] || break
    setsid "$TOP/pipelines/pretrain.sh" --cache "$SMALL/cache" --recipe long.conf --out out -j 2 >log 2>&1 &
    job=$! fault_pids=("$job")
    attack pairs || { tail -n 5 log; wrong=$((wrong + 1)); }
    cmp out/encoder.safetensors calm.train/encoder.safetensors || wrong=$((wrong + 1))
done
fault_pids=()
echo "$kills kills in $runs runs of a pipeline of scans, and of training between them"
tell R1 "load, suv, roi, cache, pairs killed: other bytes" "$kills" kills "$lost" "$repeated" "$wrong"
