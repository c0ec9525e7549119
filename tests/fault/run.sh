#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh -- the fault campaigns of the promises R1 to R13 (docs/promises.md), and a table of their counts.
#   tests/fault/run.sh [BUILD_DIR] [N] [R]      N: how often each attacks; without it a few seconds' worth. R: of these promises alone, such
#                                               as "1" or "1 8 13"
# make fault N=1000 R=1. Every campaign that ends adds its lines to BUILD_DIR/fault.tsv, with the day, the version and the seed: counts of
# one version add up over calls, and each call attacks by another seed (PETREL_FAULT_SEED=N by this one).
cd "$(dirname "$0")/../.." || exit 1
build=${1:-build} count=${2:-} only=${3:-}
table=$build/fault.tsv
version=$("$build/bin/petrel-cache" --version | cut -d' ' -f2)
seed=${PETREL_FAULT_SEED:-$(($(cut -f 3 "$table" 2>/dev/null | sort -n | tail -n 1) + 1))}
export PETREL_FAULT_SEED=$seed
failed=0 ran=0
# promise, then the program; SEED stands for the seed, N for the count, which has a default of the program's own
campaigns=(
    "1 8|$build/tests/fault/channel N SEED"
    "1 8|$build/tests/fault/channel N SEED tcp"
    "1|tests/fault/stages_kill.sh $build N"
    "2|tests/fault/trainer_kill.sh $build N"
    "3|$build/tests/fault/cache_kill N SEED"
    "4|$build/tests/fault/disk N"
    "4 12|tests/fault/programs.sh $build N"
    "5|$build/tests/fault/flips N SEED"
    "6|$build/tests/fuzz/parsers N SEED"
    "6|tests/fault/damaged.sh $build N"
    "7|tests/fault/asleep.sh $build N"
    "8|$build/tests/fault/cut_off N SEED"
    "9|$build/tests/fault/strangers N SEED"
    "9|tests/fault/another_user.sh $build N"
    "10|tests/fault/workers.sh $build N"
    "11|tests/fault/requeue.sh $build N"
    "13|$build/tests/fault/power N SEED"
)
for row in "${campaigns[@]}"; do
    promises=${row%%|*} command=${row#*|}
    if [ -n "$only" ]; then
        wanted=0
        for p in $only; do case " $promises " in *" ${p#R} "*) wanted=1 ;; esac; done
        [ $wanted = 1 ] || continue
    fi
    # without a count a program takes its own; then no seed can follow it
    if [ -n "$count" ]; then
        command=${command//N/$count} command=${command//SEED/$seed}
    else
        command=${command%% N*}${command#*N}
        command=${command// SEED/}
        [[ $row != *tcp ]] || continue
    fi
    ran=$((ran + 1))
    out=$(mktemp)
    begun=$SECONDS
    $command 2>&1 | tee "$out"
    code=${PIPESTATUS[0]}
    case $code in
    0 | 77) ;;
    *)
        echo "fault: $command failed with code $code" >&2
        failed=1
        ;;
    esac
    grep '^RESULT' "$out" | cut -f 2- | sed "s|^|$(date +%F)	$version	$seed	$((SECONDS - begun))	|" >>"$table"
    rm -f "$out"
done
[ "$ran" -gt 0 ] || { echo "fault: no campaign of '$only'; promises are 1 to 13" >&2; exit 64; }
[ -s "$table" ] || exit "$failed"
echo
echo "what version $version has stood so far ($table):"
awk -F '\t' -v version="$version" '$2 == version {
        key = $5 "\t" $6 "\t" $8; if (!(key in n)) order[++keys] = key
        n[key] += $7; lost[key] += $9; twice[key] += $10; wrong[key] += $11; s[key] += $4 }
    END { print "promise\tattack\tcount\tof\tlost\trepeated\twrong\tseconds"
        for (i = 1; i <= keys; i++) { split(order[i], k, "\t")
            print k[1] "\t" k[2] "\t" n[order[i]] "\t" k[3] "\t" lost[order[i]] "\t" twice[order[i]] "\t" wrong[order[i]] "\t" s[order[i]] } }' "$table" |
    column -t -s "$(printf '\t')"
exit "$failed"
