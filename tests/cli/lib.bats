# SPDX-License-Identifier: Apache-2.0
# pipelines/lib.sh: programs kept running, the worst exit code, failure, being stopped.
bats_require_minimum_version 1.5.0

setup() {
    run_in=$BATS_TEST_TMPDIR/run
    PATH=$(realpath "${PETREL_BIN:-$BATS_TEST_DIRNAME/../../build/bin}"):$PATH
    # a stand-in for a program of ours: tells KEY VALUE (a number, or "text") ... as event NAME
    cat >"$BATS_TEST_TMPDIR/tell" <<'END'
name=$1 line='{"v":1,"type":"metric","name":"'$1'","program":"petrel-x","node":"'$PETREL_NODE'"'
shift
while [ $# -gt 0 ]; do line+=",\"$1\":$2" && shift 2; done
echo "$line}" >>"$PETREL_PROGRESS_DIR/petrel-x.$$.events"
END
    export TELL=$BATS_TEST_TMPDIR/tell
    cd "$BATS_TEST_DIRNAME/../.." || return 1
}

# A pipeline of the given lines.
pipeline() {
    { echo '. pipelines/lib.sh'; echo "run_begin '$run_in'"; cat; echo run_wait; } >"$BATS_TEST_TMPDIR/pipeline.sh"
    run -"$1" bash "$BATS_TEST_TMPDIR/pipeline.sh"
}

@test "all well is 0, and each program's last line is shown" {
    pipeline 0 <<'LINES'
node one bash -c '. "$TELL" end text "\"one 0.1: 5 scans\""; echo "what the log says last" >&2'
nodes 3 two bash -c 'echo $PETREL_RUN_DIR >&2'
LINES
    [[ $output == *"one 0.1: 5 scans"* && $output != *"the log says"* ]]
    [ "$(cat "$run_in"/logs/two.*.log | sort -u)" = "$run_in" ]
    [ "$(stat -c %a "$run_in" "$run_in/channels")" = $'700\n700' ]
}

@test "65 beats 0, and what was refused is listed" {
    pipeline 65 <<'LINES'
node fine true
node some bash -c '. "$TELL" refused scan "\"a.nii\"" text "\"no weight\""; . "$TELL" refused scan "\"a.nii\"" text "\"no weight\""; exit 65'
LINES
    [[ $output == *"refused: 1 scans"*"petrel-x: refused 'a.nii': no weight"* ]]
}

@test "a failure stops the others, is said once, and beats 65" {
    pipeline 66 <<'LINES'
node some bash -c 'exit 65'
node waits bash -c 'until [ -e "$PETREL_RUN_DIR/FAILED" ]; do sleep 0.1; done; exit 66'
node bad bash -c 'echo "bad: cannot open this" >&2; exit 66'
LINES
    [ "$(grep -c 'cannot open this' <<<"$output")" = 1 ]
    [[ $output == *"see $run_in/logs/bad.log"* ]]
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

@test "the hint names the log of the node that failed, though others say the same sentence and a node has another name" {
    pipeline 66 <<'LINES'
node aaa bash -c 'until [ -e "$PETREL_RUN_DIR/FAILED" ]; do sleep 0.1; done; echo "petrel-load: no scan in" >&2; echo "petrel-load: no scan was named" >&2; exit 66'
node reads petrel-load --channel-out volumes "$PETREL_RUN_DIR/nothing.nii"
LINES
    [[ $output == *"see $run_in/logs/reads.log"* ]]
}

@test "a keeper that is killed takes its program with it, and both go on; so does the run" {
    pipeline 0 <<'LINES'
node kept bash -c 'echo $$ >>"$PETREL_RUN_DIR/pids"; [ "$(wc -l <"$PETREL_RUN_DIR/pids")" -ge 3 ] || exec sleep 100'
(for n in 1 2; do
    until [ "$(cat "$run_dir/pids" 2>/dev/null | wc -l)" -ge $n ]; do sleep 0.05; done
    kill -9 "$(ps -o ppid= -p "$(tail -n 1 "$run_dir/pids")" | tr -d ' ')"
done) &
LINES
    [[ $output == *"kept: its keeper was killed and started again, times: 2"* ]]
    [ "$(wc -l <"$run_in/pids")" = 3 ]
    while read -r pid; do ! kill -0 "$pid" 2>/dev/null; done <"$run_in/pids"
}

@test "ten crashes in a row are a failure of its own: 70; the log says so" {
    pipeline 70 <<'LINES'
node crashes bash -c 'echo >>"$PETREL_RUN_DIR/count"; kill -SEGV $$'
LINES
    [ "$(wc -l <"$run_in/count")" = 10 ]
    [[ $output == *"killed by signal 11 after 9 restarts, not started again"*"logs/crashes.log"* ]]
}

state() { # state PROGRAM.PID NODE BEGAN DONE TOTAL RATE [MORE]
    printf '{"v":1,"type":"metric","name":"progress","program":"%s","node":"%s","host":"elsewhere","began_s":%s,"at_s":%s,"done":%s,"total":%s,"rate":%s,"unit":"scans","text":"%s"%s}\n' \
        "${1%.*}" "$2" "$3" $(($3 + 10)) "$4" "$5" "$6" "${7:-}" "${8:-}" >"$run_in/progress/$1"
}

@test "petrel-top: copies of a program share a line; what a killed one did counts; a total says itself where it goes on" {
    mkdir -p "$run_in/progress"
    printf 'load\tpetrel-load\nsuv.1\tpetrel-suv\nsuv.2\tpetrel-suv\n' >"$run_in/nodes"
    state petrel-load.1 load 100 3 10 1.5 "old.nii"
    state petrel-load.7 load 200 5 10 1.5 "$(printf 'a b.nii')" ',"wait_out_s":9,"window":4,"pending":3'
    state petrel-suv.2 suv.1 100 2 0 0.5
    state petrel-suv.3 suv.2 100 4 0 0.5 "" ',"wait_in_s":2,"peak_bytes":1048576,"repeats":2'
    state petrel-suv.9 suv.1 150 1 0 0.25
    echo '{"v":1,"type":"metric","name":"killed","program":"petrel-keep","node":"suv.1","signal":9}' >"$run_in/progress/petrel-keep.4.events"
    printf '{"v":1,"type":"metric","name":"killed","program":"petrel-keep","node":"su' >>"$run_in/progress/petrel-keep.4.events" # torn
    printf '%s\n' '{"v":9,"type":"metric","name":"killed","node":"suv.2"}' 'no json' >"$run_in/progress/petrel-keep.5.events"
    run -0 petrel-top --once "$run_in"
    echo "$output"
    [[ ${lines[1]} =~ ^petrel-load\ +1\ +5/10\ .*\ 90%\ +3/4\ +0\ +0\ +0$ ]]
    [[ ${lines[2]} =~ ^petrel-suv\ +2\ +7\ .*\ 10%\ +0%\ .*\ 1\ +2\ +1\ .*slowest$ ]]
    run -0 petrel-top --once --line "$run_in"
    [ "$output" = "program=petrel-top petrel-load=5/10 petrel-suv=7 slowest=petrel-suv kept=0 refused=0 restarts=1 repeats=2 memory_mib=1" ]
    run -0 petrel-top --once --prometheus metrics.prom "$run_in"
    grep -qx 'petrel_done{program="petrel-suv"} 7' metrics.prom
    grep -qx 'petrel_restarts{program="petrel-suv"} 1' metrics.prom
    rm metrics.prom
    petrel-top --bars --every 0.1 "$run_in" >"$BATS_TEST_TMPDIR/bars" &
    sleep 0.5
    kill $! && wait $!
    [ "$(head -n 1 "$BATS_TEST_TMPDIR/bars")" = "petrel-load     [##########..........] 5/10 scans 1.5/s eta 3 s  a b.nii" ]
    [[ $(sed -n 2p "$BATS_TEST_TMPDIR/bars") == "petrel-suv      7 scans 0.75/s" ]]
    run -66 petrel-top nowhere
    run -64 petrel-top
}

@test "petrel-top: a line a scan that was kept, once, from records; names with spaces, quotes and equals signs" {
    mkdir -p "$run_in/progress"
    cat >"$run_in/progress/petrel-suv.1.events" <<'END'
{"v":1,"type":"metric","name":"suv","program":"petrel-suv","node":"suv.1","scan":"a \"b\" seconds=9/c.nii","seconds":0.5}
END
    cat >"$run_in/progress/petrel-cache.2.events" <<'END'
{"v":1,"type":"metric","name":"cached","program":"petrel-cache","node":"cache","scan":"a \"b\" seconds=9/c.nii","patient":"5f8c","vendor":"GE MEDICAL SYSTEMS","factor":0.000242903,"suv_max":66.52,"regions":34,"tumours":2}
{"v":1,"type":"metric","name":"cached","program":"petrel-cache","node":"cache","scan":"a \"b\" seconds=9/c.nii","patient":"5f8c","vendor":"GE MEDICAL SYSTEMS","factor":0.000242903,"suv_max":66.52,"regions":34,"tumours":2}
END
    petrel-top --bars --every 0.1 "$run_in" >"$BATS_TEST_TMPDIR/bars" &
    sleep 0.4
    kill $! && wait $!
    [ "$(grep -c . "$BATS_TEST_TMPDIR/bars")" = 1 ]
    grep -qxF '5f8c  GE MEDICAL SYSTEMS  SUV factor 0.000242903  SUVmax 66.52  34 regions  2 tumours  0.5 s  a "b" seconds=9/c.nii' "$BATS_TEST_TMPDIR/bars"
}

@test "a step that is killed from outside is begun again; one that was asked to leave is not" {
    cat >"$BATS_TEST_TMPDIR/step.sh" <<'END'
. pipelines/lib.sh
run_step "$@"
END
    printf '#!/bin/sh\necho begun >>"%s"\n[ $(wc -l <"%s") -ge 3 ] || kill -9 $$\nexit 65\n' "$BATS_TEST_TMPDIR/times" "$BATS_TEST_TMPDIR/times" >"$BATS_TEST_TMPDIR/dies"
    chmod +x "$BATS_TEST_TMPDIR/dies"
    run -65 bash "$BATS_TEST_TMPDIR/step.sh" "$BATS_TEST_TMPDIR/dies"
    [ "$(grep -c 'dies: killed, started again' <<<"$output")" = 2 ]
    # asked to leave, and killed as it does not: 137, and that is the end
    printf '#!/bin/bash\necho begun >>"%s"\ntrap "kill -9 \\$\\$" TERM\nwhile :; do sleep 0.1; done\n' "$BATS_TEST_TMPDIR/asked" >"$BATS_TEST_TMPDIR/stays"
    chmod +x "$BATS_TEST_TMPDIR/stays"
    bash "$BATS_TEST_TMPDIR/step.sh" "$BATS_TEST_TMPDIR/stays" 3>&- &
    step=$!
    until [ -s "$BATS_TEST_TMPDIR/asked" ]; do sleep 0.1; done
    sleep 0.3
    kill -TERM $step
    code=0
    wait $step || code=$?
    [ $code = 137 ] && [ "$(wc -l <"$BATS_TEST_TMPDIR/asked")" = 1 ]
}
