#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# trainer_kill -- R2: the trainer killed (kill -9) at random, between checkpoints and in them; it goes on, ends in the weights of one that nobody
# disturbed, and every checkpoint that is there after a kill can be read.
#   tests/fault/trainer_kill.sh [BUILD_DIR] [KILLS]      4        (train_kill.sh: the same of the paper's recipe, with a report)
. "$(dirname "$0")/lib.sh" "${1:-build}"
wanted=${2:-4}
small_quietly small_cache
small_recipe 16 >long.conf
cat >pipeline.sh <<END
. "$TOP/pipelines/lib.sh"
run_begin "\$1/pretrain"
nodes 2 pairs petrel-pairs "$SMALL/cache" --recipe long.conf --silence 2
node pretrain petrel-train pretrain --cache "$SMALL/cache" --run "\$1/pretrain" --out "\$1/encoder.safetensors" --recipe long.conf \\
    --checkpoint-s 0.05 --silence 2
run_wait
END
bash pipeline.sh calm >log 2>&1 || { tail log; exit 1; }
kills=0 unreadable=0 read_ones=0 differ=0 runs=0
while [ $kills -lt "$wanted" ]; do
    rm -rf out
    runs=$((runs + 1)) here=0
    setsid bash pipeline.sh out >log 2>&1 &
    job=$! fault_pids=("$job")
    # ten crashes in a row with nothing done between them are a failure (common/child.h): not more than eight a run
    while kill -0 "$job" 2>/dev/null && [ $here -lt 8 ] && [ $kills -lt "$wanted" ]; do
        sleep 0.$((2 + $(below 7)))$(below 10)
        trainer=$(pgrep -g "$job" '^petrel-train$' | head -n 1)
        [ -n "$trainer" ] && kill -9 "$trainer" 2>/dev/null || continue
        kills=$((kills + 1)) here=$((here + 1))
        for file in out/pretrain/checkpoint-*.safetensors; do
            [ -e "$file" ] || continue
            cp "$file" seen.safetensors 2>/dev/null || continue # it was swept meanwhile
            read_ones=$((read_ones + 1))
            # a checkpoint is no model: it is read whole, with its sum, and then said to be one
            said=$(petrel-train describe --init seen.safetensors 2>&1 || petrel-eval embed --cache "$SMALL/cache" --model seen.safetensors --out e 2>&1)
            case $said in *damaged* | *'cut short'* | *JSON*) echo "$file: $said"; unreadable=$((unreadable + 1)) ;; esac
        done
    done
    wait "$job" || { tail -n 5 log; differ=$((differ + 1)); }
    cmp calm/encoder.safetensors out/encoder.safetensors || differ=$((differ + 1))
    diff <(cut -d, -f 1-7,9 calm/pretrain/losses.csv) <(cut -d, -f 1-7,9 out/pretrain/losses.csv) >/dev/null || differ=$((differ + 1))
done
fault_pids=()
echo "$kills kills in $runs runs; $read_ones checkpoints read, $unreadable of them unreadable"
tell R2 "the trainer killed: other weights, unreadable" "$kills" kills 0 0 $((differ + unreadable))
