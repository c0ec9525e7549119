#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run -- every test there is, and one closing line: "N passed, N failed, N skipped".
#   tests/run.sh [BUILD_DIR] [PATTERN]     PATTERN: only tests whose path matches it
# Units are cmocka programs, command-line tests are bats, faults and fuzzers are programs with a small count; all speak TAP or leave
# with 0 (passed), 77 (skipped, and say why) or anything else (failed). Output of what failed is shown whole.
cd "$(dirname "$0")/.." || exit 1
build=$(realpath -m "${1:-build}") pattern=${2:-.}
export PETREL_BIN=$build/bin CMOCKA_MESSAGE_OUTPUT=TAP
export OPENBLAS_NUM_THREADS=1 OMP_WAIT_POLICY=passive
if [ -z "${PETREL_DATA:-}" ] && [ -d ../shared/data ]; then PETREL_DATA=$(realpath ../shared/data); fi
export PETREL_DATA=${PETREL_DATA:-}
[ -n "$PETREL_DATA" ] || echo "no real scans at hand (PETREL_DATA is not set): their tests will be skipped"
PETREL_TEST_DIR=$(mktemp -d "${TMPDIR:-/tmp}/petrel-test.XXXXXX")
export PETREL_TEST_DIR TMPDIR=$PETREL_TEST_DIR
trap 'rm -rf "$PETREL_TEST_DIR"' EXIT

passed=0 failed=0 skipped=0
one() { # one NAME COMMAND...: run, count TAP lines or the exit code
    local name=$1 out=$PETREL_TEST_DIR/out rc ok bad skip begun=$SECONDS
    shift
    timeout "${PETREL_TEST_TIMEOUT:-300}" "$@" >"$out" 2>&1 </dev/null
    rc=$?
    # bats says "ok 1 name # skip why", cmocka "not ok 1 - name # SKIP"
    skip=$(grep -cE '^(not )?ok [0-9]+.*# (SKIP|skip)' "$out")
    ok=$(grep -E '^ok [0-9]+' "$out" | grep -cvE '# (SKIP|skip)') bad=$(grep -E '^not ok [0-9]+' "$out" | grep -cvE '# (SKIP|skip)')
    if [ $((ok + bad + skip)) = 0 ]; then
        case $rc in 0) ok=1 ;; 77) skip=1 ;; *) bad=1 ;; esac
    elif [ $rc != 0 ] && [ $bad = 0 ]; then
        bad=1 # it died outside a test
    fi
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
    printf '%-44s %3d passed %2d failed %2d skipped %4d s\n' "$name" $ok $bad $skip $((SECONDS - begun))
    if [ $bad != 0 ]; then sed 's/^/    | /' "$out" | tail -n 120; echo "    exit code $rc"; fi
    if [ $skip != 0 ]; then grep -iE '# skip|^skip' "$out" | sort | uniq -c | sed 's/^ *[0-9]* */    skipped: /' | head -n 12; fi
}
wanted() { [[ $1 =~ $pattern ]]; }

wanted layers && one layers tests/layers.sh
wanted format && one format tests/format.sh
for t in "$build"/tests/unit/*; do
    [ -x "$t" ] && [ -f "$t" ] && wanted "unit/${t##*/}" && one "unit/${t##*/}" "$t"
done
for t in "$build"/tests/fault/*; do
    [ -x "$t" ] && [ -f "$t" ] && wanted "fault/${t##*/}" && one "fault/${t##*/}" "$t"
done
for t in "$build"/tests/fuzz/*; do
    [ -x "$t" ] && [ -f "$t" ] && wanted "fuzz/${t##*/}" && one "fuzz/${t##*/}" "$t" && sed -n 's/^# \([0-9]* mutated files\)/    \1/p' "$PETREL_TEST_DIR/out"
done
if wanted gpu/plans; then
    if [ -x "$build/tests/gpu/plans" ]; then one gpu/plans "$build/tests/gpu/plans"
    else one gpu/plans sh -c 'echo "skipped: cuDNN 9 is not installed (kernels/cuda/Makefile says where it is looked for)"; exit 77'; fi
fi
if wanted gpu/emulated && [ -x "$build/tests/gpu/device" ]; then
    # a whole step, its record and its convolutions on an emulated GPU; small, with batches that statistics can be had of
    one gpu/emulated env PETREL_CUDA="$build/tests/emu/petrel-cuda.so" PETREL_GPU_WIDTH=8 PETREL_GPU_PAIRS=8 "$build/tests/gpu/device"
fi
wanted gpu/run && PETREL_TEST_TIMEOUT=7200 one gpu/run tests/gpu/run.sh "$build" # says so where there is none
for t in tests/cli/*.bats; do
    [ -f "$t" ] && wanted "$t" && one "$t" bats --tap "$t"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
