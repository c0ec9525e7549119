#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# valgrind -- every program on a short real run under memcheck: no invalid access, no use of what was never set, no leak of ours.
#   tests/sanitize/valgrind.sh [BUILD_DIR] [ROWS]      ROWS: of tests/fault/programs.sh, such as 'cache|eval'
# tests/sanitize/valgrind.supp says what is somebody else's, and why. BUILD_DIR is one of make memcheck=1: the sandbox of the others forbids
# what valgrind does for itself (seccomp).
PETREL_FAULT_KINDS=none . "$(dirname "$0")/../fault/lib.sh" "${1:-build-memcheck}"
rows_wanted=${2:-.}
command -v valgrind >/dev/null || skip "valgrind is not installed"
small_quietly small_model
model=$SMALL/model/model.safetensors scan=$(small_scan 1)
for i in $(seq 0 15); do printf '%d\t%d\n' "$i" $((i + 9)); done >pairs.tsv
small_recipe 1 >small.conf
eval "$(sed -n '/^rows=(/,/^)/p' "$TOP/tests/fault/programs.sh")" # the same runs
bad=0 ran=0
# AVX-512 is not known to valgrind 3.19; OpenBLAS is told, ours look for themselves
export OPENBLAS_CORETYPE=Haswell
for row in "${rows[@]}"; do
    name=${row%%|*} command=${row#*|}
    [[ $name =~ $rows_wanted ]] || continue
    rm -rf at && mkdir at at/out && cp -r "$SMALL/cache" at/cache
    ran=$((ran + 1))
    (cd at && eval "timeout 900 valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite --trace-children=no \
        --suppressions='$TOP/tests/sanitize/valgrind.supp' $command") >stdout 2>stderr </dev/null
    code=$?
    if [ $code = 99 ] || [ $code -ge 128 ]; then
        echo "$name: code $code"
        grep -E '^==' stderr | head -n 30
        bad=$((bad + 1))
    elif [ $code != 0 ]; then
        echo "$name: left with $code"; tail -n 3 stderr; bad=$((bad + 1))
    else
        echo "$name: clean"
    fi
done
echo "$ran runs, $bad not clean"
[ $bad = 0 ]
