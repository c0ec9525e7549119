#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# requeue -- R11: the whole job killed (kill -9 on its process group, as a node is lost) and started again on its run directory, at moments that
# are drawn; it ends in the bytes of one that nobody disturbed.
#   tests/fault/requeue.sh [BUILD_DIR] [TIMES]      3
. "$(dirname "$0")/lib.sh" "${1:-build}"
times=${2:-3}
small_quietly small_cache
small_recipe 12 >long.conf
calm_begun=${EPOCHREALTIME/[.,]/}
"$TOP/pipelines/train.sh" --cache "$SMALL/cache" --recipe long.conf --out calm -j 2 >log 2>&1 || { tail log; exit 1; }
took_ms=$(((${EPOCHREALTIME/[.,]/} - calm_begun) / 1000))
# all columns but the seconds
timeless() { awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "seconds") not = i } { $not = ""; print }' "$1"; }
killed=0 differ=0 rounds=0
while [ $killed -lt "$times" ]; do
    rm -rf out
    for ((tries = 0; tries < 200; tries++)); do
        setsid "$TOP/pipelines/train.sh" --cache "$SMALL/cache" --recipe long.conf --out out -j 2 >log 2>&1 &
        job=$!
        fault_pids=("$job")
        if [ $killed -lt "$times" ] && [ $tries -lt 6 ]; then
            delay=$((100 + $(below $((took_ms * 2 / 3)))))
            sleep $((delay / 1000)).$(printf %03d $((delay % 1000)))
            # what a node held is gone at once: the job's group, and groups that its steps made
            if kill -0 "$job" 2>/dev/null; then
                kill -9 -- "-$job" 2>/dev/null && killed=$((killed + 1))
                wait "$job" 2>/dev/null
                continue
            fi
        fi
        wait "$job"
        code=$?
        break
    done
    fault_pids=()
    rounds=$((rounds + 1))
    if [ "$code" != 0 ]; then
        tail -n 3 log
        differ=$((differ + 1))
    fi
    for file in encoder model; do cmp "calm/$file.safetensors" "out/$file.safetensors" || differ=$((differ + 1)); done
    for file in pretrain/losses.csv classifier/classifier-losses.csv; do
        diff <(timeless "calm/$file") <(timeless "out/$file") >/dev/null || { echo "$file differs"; differ=$((differ + 1)); }
    done
done
echo "$killed kills of the whole job in $rounds jobs"
tell R11 "the job killed and started again: other bytes" "$killed" times 0 0 "$differ"
