# SPDX-License-Identifier: Apache-2.0
# pipelines/lib.sh: programs kept running, the worst exit code, failure, being stopped.
bats_require_minimum_version 1.5.0

setup() {
    run_in=$BATS_TEST_TMPDIR/run
    cd "$BATS_TEST_DIRNAME/../.." || return 1
}

# A pipeline of the given lines.
pipeline() {
    { echo '. pipelines/lib.sh'; echo "run_begin '$run_in'"; cat; echo run_wait; } >"$BATS_TEST_TMPDIR/pipeline.sh"
    run -"$1" bash "$BATS_TEST_TMPDIR/pipeline.sh"
}

@test "all well is 0, and each program's last line is shown" {
    pipeline 0 <<'LINES'
node one bash -c 'echo program=x note=y >&2; echo "one 0.1: 5 scans" >&2'
nodes 3 two bash -c 'echo $PETREL_RUN_DIR >&2'
LINES
    [[ $output == *"one 0.1: 5 scans"* ]]
    [ "$(cat "$run_in"/logs/two.*.log | sort -u)" = "$run_in" ]
    [ "$(stat -c %a "$run_in" "$run_in/channels")" = $'700\n700' ]
}

@test "65 beats 0, and what was refused is listed" {
    pipeline 65 <<'LINES'
node fine true
node some bash -c 'echo "program=petrel-x level=warning text=\"refused '"'a.nii'"': no weight\"" >&2; exit 65'
LINES
    [[ $output == *"petrel-x: refused 'a.nii': no weight"* ]]
}

@test "a failure stops the others, is said once, and beats 65" {
    pipeline 66 <<'LINES'
node some bash -c 'exit 65'
node waits bash -c 'until [ -e "$PETREL_RUN_DIR/FAILED" ]; do sleep 0.1; done; exit 66'
node bad bash -c 'echo "bad: cannot open this" >&2; exit 66'
LINES
    [ "$(grep -c 'cannot open this' <<<"$output")" = 1 ]
    [[ $output == *"bad.log"* ]]
    [ "$(head -n 1 "$run_in/FAILED")" = 66 ]
}

@test "a program that is not there fails the run" {
    pipeline 127 <<'LINES'
node ghost petrel-no-such-program
LINES
    [[ $output == *"not found"* ]]
}

@test "what a signal kills is started again; it is not a failure" {
    pipeline 0 <<'LINES'
node fragile bash -c 'echo begun >>"$PETREL_RUN_DIR/count"; [ "$(wc -l <"$PETREL_RUN_DIR/count")" -ge 4 ] || kill -9 $$'
LINES
    [ "$(wc -l <"$run_in/count")" = 4 ]
    [[ $output != *Killed* ]]
    [[ $output == *"fragile: killed and started again, times: 3"* ]]
}

@test "asked to stop, every program is asked, and the code says run it again" {
    pipeline 75 <<'LINES'
node long bash -c 'trap "echo saved >&2; exit 75" TERM; while :; do sleep 0.1; done'
node stubborn bash -c 'sleep 1000'
(sleep 1; kill -TERM $$) &
LINES
    grep -q saved "$run_in/logs/long.log"
    [ ! -e "$run_in/FAILED" ]
    [[ $output == *"run it again"* ]]
}

@test "a second run in a directory at work is refused; a later one forgets what was" {
    mkdir -p "$run_in/channels/volumes"
    touch "$run_in/FAILED" "$run_in/channels/volumes.end"
    pipeline 0 <<'LINES'
node other bash -c '! (. pipelines/lib.sh; run_begin "$PETREL_RUN_DIR") 2>/dev/null'
node clean bash -c '[ ! -e "$PETREL_RUN_DIR/FAILED" ] && [ ! -e "$PETREL_RUN_DIR/channels/volumes.end" ]'
LINES
}

@test "copies of a program share one line of progress" {
    pipeline 0 <<'LINES'
echo '3 10 scans 1.5 5 a.nii' >"$PETREL_PROGRESS_DIR/petrel-load.1"
echo '2 0 scans 0.5 -1 ' >"$PETREL_PROGRESS_DIR/petrel-suv.2"
echo '4 0 scans 0.5 -1 ' >"$PETREL_PROGRESS_DIR/petrel-suv.3"
run_progress
LINES
    [[ ${lines[0]} == *"petrel-load"*"3/10 scans 1.5/s eta 5 s  a.nii" ]]
    [[ ${lines[1]} == *"petrel-suv"*"6 scans 1/s" ]]
}
