#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run -- every test there is, and one closing line: "N passed, N failed, N skipped".
#   tests/run.sh [BUILD_DIR] [PATTERN]     PATTERN: only tests whose path matches it
#   PETREL_TEST_JOBS=N                     so many side by side; the number of cores by default
# Units are cmocka programs, command-line tests are bats, faults and fuzzers are programs with a small count; all speak TAP or leave
# with 0 (passed), 77 (skipped, and say why) or anything else (failed). Output of what failed is shown whole, never two at once. What
# loads the machine by itself, or is about time, runs alone when the others are done. Those that took longest are named at the end.
cd "$(dirname "$0")/.." || exit 1
build=$(realpath -m "${1:-build}") pattern=${2:-.}
export PETREL_BIN=$build/bin CMOCKA_MESSAGE_OUTPUT=TAP
export OPENBLAS_NUM_THREADS=1 OMP_WAIT_POLICY=passive
if [ -z "${PETREL_DATA:-}" ] && [ -d ../shared/data ]; then PETREL_DATA=$(realpath ../shared/data); fi
export PETREL_DATA=${PETREL_DATA:-}
[ -n "$PETREL_DATA" ] || echo "no real scans at hand (PETREL_DATA is not set): their tests will be skipped"
PETREL_TEST_DIR=$(mktemp -d "${TMPDIR:-/tmp}/petrel-test.XXXXXX")
export PETREL_TEST_DIR TMPDIR=$PETREL_TEST_DIR
results=$PETREL_TEST_DIR/results
mkdir "$results" || exit 1
jobs=${PETREL_TEST_JOBS:-$(nproc)} begun=$SECONDS
pids=()
leave() {
    [ ${#pids[@]} = 0 ] || kill "${!pids[@]}" 2>/dev/null
    wait
    rm -rf "$PETREL_TEST_DIR"
}
trap leave EXIT
trap 'exit 130' INT TERM HUP

# What these do is measured against a clock, or takes every core: a neighbour would be seen in it.
alone='^(fault/|gpu/run|unit/(channel|common_log|stage|pairs_serve)$|tests/cli/(faults|lib|ranks)\.bats|tests/cluster/)'

# ---- what there is: names, and a command each ----
names=() commands=()
add() { # add NAME COMMAND...
    [[ $1 =~ $pattern ]] || return 0
    names+=("$1")
    shift
    commands+=("$(printf '%q ' "$@")")
}
add layers tests/layers.sh
add format tests/format.sh
for kind in unit fault fuzz; do
    for t in "$build/tests/$kind"/*; do
        if [ -x "$t" ] && [ -f "$t" ] && [[ $t != *.so ]]; then add "$kind/${t##*/}" "$t"; fi
    done
done
# attacks on whole programs; the others (tests/fault/run.sh) take longer, and faults.bats has small ones of their kind
for t in programs asleep damaged another_user; do add "fault/$t" "tests/fault/$t.sh" "$build"; done
if [ -x "$build/tests/gpu/plans" ]; then add gpu/plans "$build/tests/gpu/plans"
else add gpu/plans sh -c 'echo "skipped: cuDNN 9 is not installed (kernels/cuda/Makefile says where it is looked for)"; exit 77'; fi
# a whole step, its record and its convolutions on an emulated GPU; small, with batches that statistics can be had of
[ ! -x "$build/tests/gpu/device" ] ||
    add gpu/emulated env PETREL_CUDA="$build/tests/emu/petrel-cuda.so" PETREL_GPU_WIDTH=8 PETREL_GPU_PAIRS=8 "$build/tests/gpu/device"
add gpu/run env PETREL_TEST_TIMEOUT=7200 tests/gpu/run.sh "$build" # says so where there is none
for t in tests/cli/*.bats tests/cluster/*.bats; do
    if [ -f "$t" ]; then add "$t" bats --tap "$t"; fi
done

# ---- one of them, in a shell of its own; what it said and how it ended is kept for show ----
work() { # work INDEX
    local i=$1 from=${EPOCHREALTIME/[.,]/} rc limit=${PETREL_TEST_TIMEOUT:-600}
    [ "${names[i]}" != gpu/run ] || limit=7200
    trap - EXIT
    eval "exec timeout $limit ${commands[i]}" >"$results/$i.out" 2>&1 </dev/null &
    trap 'kill '$!' 2>/dev/null' INT TERM HUP # it has a group of its own, which no Ctrl-C reaches
    wait $!
    rc=$?
    echo "$rc $((${EPOCHREALTIME/[.,]/} - from))" >"$results/$i.end"
}
passed=0 failed=0 skipped=0
show() { # show INDEX: count TAP lines or the exit code
    local i=$1 out=$results/$1.out rc=1 took=0 ok bad skip
    read -r rc took 2>/dev/null <"$results/$i.end" || echo "its shell was killed" >>"$out"
    # bats says "ok 1 name # skip why", cmocka "not ok 1 - name # SKIP"
    skip=$(grep -cE '^(not )?ok [0-9]+.*# (SKIP|skip)' "$out")
    ok=$(grep -E '^ok [0-9]+' "$out" | grep -cvE '# (SKIP|skip)') bad=$(grep -E '^not ok [0-9]+' "$out" | grep -cvE '# (SKIP|skip)')
    if [ $((ok + bad + skip)) = 0 ]; then
        case $rc in 0) ok=1 ;; 77) skip=1 ;; *) bad=1 ;; esac
    elif [ "$rc" != 0 ] && [ "$bad" = 0 ]; then
        bad=1 # it died outside a test
    fi
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
    printf '%-44s %3d passed %2d failed %2d skipped %6.1f s\n' "${names[i]}" "$ok" "$bad" "$skip" "$((took / 1000))e-3"
    if [ "$bad" != 0 ]; then sed 's/^/    | /' "$out" | tail -n 120; echo "    exit code $rc"; fi
    if [ "$skip" != 0 ]; then grep -iE '# skip|^skip' "$out" | sort | uniq -c | sed 's/^ *[0-9]* */    skipped: /' | head -n 12; fi
    if [[ ${names[i]} == fuzz/* ]]; then sed -n 's/^# \([0-9]* mutated files\)/    \1/p' "$out"; fi
    printf '%s\t%s\n' "$took" "${names[i]}" >>"$results/durations"
    rm -f "$out"
}

# ---- side by side, then one by one; those that took longest the last time begin, so that none is left over at the end ----
order() { # the indices whose names are alone (1) or not (0)
    local i took
    for i in "${!names[@]}"; do
        if [[ ${names[i]} =~ $alone ]]; then [ "$1" = 1 ] || continue; else [ "$1" = 0 ] || continue; fi
        took=$(awk -F '\t' -v name="${names[i]}" '$2 == name { print $1 }' "$build/tests/durations" 2>/dev/null | tail -n 1)
        # unknown: bats files are long
        [ -n "$took" ] || case ${names[i]} in *.bats) took=30000000 ;; *) took=0 ;; esac
        printf '%s %s\n' "$took" "$i"
    done | sort -k1,1rn -k2,2n | cut -d' ' -f2
}
run_all() { # run_all AT_ONCE INDEX...
    local at_once=$1 pid
    shift
    while [ $# -gt 0 ] || [ ${#pids[@]} -gt 0 ]; do
        if [ $# -gt 0 ] && [ ${#pids[@]} -lt "$at_once" ]; then
            work "$1" &
            pids[$!]=$1
            shift
            continue
        fi
        wait -n -p pid "${!pids[@]}" # bash 5.1
        show "${pids[pid]}"
        unset "pids[pid]"
    done
}
mapfile -t together < <(order 0)
mapfile -t one_by_one < <(order 1)
run_all "$jobs" "${together[@]}"
run_all 1 "${one_by_one[@]}"

if [ ${#names[@]} -gt 1 ]; then
    sort -rn "$results/durations" | head -n 15 | awk -F '\t' 'BEGIN { print "longest:" } { printf "    %7.1f s  %s\n", $1 / 1e6, $2 }'
    echo "$((SECONDS - begun)) s, $jobs at once; load average $(cut -d' ' -f1-3 /proc/loadavg 2>/dev/null)"
    # of a whole run, for the order of the next
    [ "$pattern" != . ] || cp "$results/durations" "$build/tests/durations"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
