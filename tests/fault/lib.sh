# SPDX-License-Identifier: Apache-2.0
# lib -- what the shell programs that attack share: the programs, a small cohort with its cache and model, a folder, the line of results.
#   . tests/fault/lib.sh BUILD_DIR       sets build, TOP, SMALL, and puts the programs on the PATH
# shellcheck shell=bash
build=$(realpath -m "${1:-build}")
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
BATS_TEST_DIRNAME=$TOP/tests/cli PETREL_BIN=$build/bin
if [ -z "${PETREL_TEST_DIR:-}" ]; then
    PETREL_TEST_DIR=$(mktemp -d "${TMPDIR:-/tmp}/petrel-fault.XXXXXX")
    fault_own=$PETREL_TEST_DIR
fi
export PETREL_BIN PETREL_TEST_DIR OPENBLAS_NUM_THREADS=1 OMP_WAIT_POLICY=passive
. "$TOP/tests/cli/small.bash"
work=$(mktemp -d "$PETREL_TEST_DIR/work.XXXXXX") || exit 1
fault_pids=()
fault_leave() {
    [ ${#fault_pids[@]} = 0 ] || kill "${fault_pids[@]}" 2>/dev/null
    wait 2>/dev/null
    cd / || true
    [ -n "${fault_keep:-}" ] || rm -rf "$work" ${fault_own:+"$fault_own"}
}
trap fault_leave EXIT
trap 'exit 130' INT TERM HUP
cd "$work" || exit 1

small_quietly() { "$@" >"$work/made.log" 2>&1 || { tail -n 20 "$work/made.log" >&2; echo "$0: the small $1 could not be made" >&2; exit 1; }; }
skip() { echo "skipped: $*"; exit 77; }
# tell PROMISE ATTACK COUNT UNIT LOST REPEATED WRONG: as fault_tell of fault.h
tell() {
    printf 'RESULT\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$@"
    [ $(($5 + $6 + $7)) = 0 ]
}
# a number below N, of a stream that SEED begins: the same attacks for the same seed
RANDOM=${PETREL_FAULT_SEED:-1}
below() { echo $(((RANDOM * 32768 + RANDOM) % $1)); }
