# SPDX-License-Identifier: Apache-2.0
# lib -- what every pipeline needs: a run directory, programs kept running, their progress, their end. Sourced by bash.
#
#     run_begin DIR                 a new run in DIR (mode 0700): clears what a run before left of channels and failure
#     node NAME COMMAND...          COMMAND in the background, stderr in DIR/logs/NAME.log; petrel-keep starts it again when a
#                                   signal kills it, and is itself started again
#     nodes N NAME COMMAND...       N copies: NAME.1 .. NAME.N
#     run_wait                      until all have ended; petrel-top draws their progress; returns the worst exit code:
#                                   a failure beats 65 (something was refused) beats 0; 75: stopped, run it again to go on
#
# Programs find the run in PETREL_RUN_DIR and tell of their progress in PETREL_PROGRESS_DIR (common/metric.h); PETREL_PARENT (PID@HOST) lets them
# leave should this shell be killed. RUN.names beside it says what stands for names of files in them (common/pseudonym.h). The first failure is in DIR/FAILED (proto/PROTOCOL.md); it stops every program.
#
# A pipeline of pipelines: run_step COMMAND...     COMMAND's exit code; a signal to this shell goes on to it; killed from outside it is begun again
# shellcheck shell=bash disable=SC2015 # "a && b || c" is meant

# Stages share the cores: a thread that waits must sleep, not spin (libgomp reads this before main, so no program can set it).
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
# Volumes are passed on, and a page of 4 KiB at a time is a third of what a scan takes (glibc 2.35 and later; others do not look).
export GLIBC_TUNABLES=${GLIBC_TUNABLES:-glibc.malloc.hugetlb=1}

# How a node is kept running, its limits and pauses: common/child.h. petrel-keep does it.
run_keepers_max=1000 # of one node, should they be killed themselves
# the programs of this very checkout, unless others are on the PATH
command -v petrel-keep >/dev/null || PATH=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/build/bin:$PATH

run_begin() {
    mkdir -p "$1" && chmod 700 "$1" && run_dir=$(cd "$1" && pwd) || {
        echo "${0##*/}: cannot make the run directory '$1'" >&2
        exit 73
    }
    exec {run_lock}>"$run_dir/lock" && [ -n "${run_lock:-}" ] || {
        echo "${0##*/}: cannot write '$run_dir/lock'" >&2
        exit 73
    }
    flock -w 1 "$run_lock" || {
        echo "${0##*/}: another run is at work in '$run_dir': wait for it, or choose another directory" >&2
        exit 75
    }
    local tries
    for ((tries = 0; tries < 100; tries++)); do # what a killed pipeline left behind is on its way out
        run_left_behind || break
        sleep 0.1
    done
    rm -rf "$run_dir/FAILED" "$run_dir/nodes" "$run_dir/channels" "$run_dir/progress" "$run_dir/logs"
    mkdir -m 700 "$run_dir/channels" "$run_dir/progress" "$run_dir/logs" || exit 73
    export PETREL_RUN_DIR=$run_dir PETREL_PROGRESS_DIR=$run_dir/progress PETREL_PARENT=$$@$HOSTNAME
    run_nodes=() run_pids=() run_commands=() run_lost=() run_stopping=''
    trap run_stop INT TERM HUP USR1 # the last is Slurm's warning
}

# Is a program of the run before still there?
run_left_behind() {
    local file comm
    for file in "$run_dir/progress"/*.[0-9]*; do
        read -r comm 2>/dev/null <"/proc/${file##*.}/comm" || continue
        file=${file##*/}
        [ "$comm" != "${file%.*}" ] || return 0
    done
    return 1
}

node() {
    run_nodes+=("$1")
    run_commands+=("$(printf '%q ' "$@")")
    printf '%s\t%s\n' "$1" "${2##*/}" >>"$run_dir/nodes"
    run_pids+=('')
    run_keep $((${#run_nodes[@]} - 1))
}

# A keeper for node NUMBER. It is the pipeline that holds the run, not what it leaves behind: the lock stays here.
run_keep() {
    (exec {run_lock}>&- && eval "exec petrel-keep -- ${run_commands[$1]}") &
    run_pids[$1]=$!
    [ -z "$run_stopping" ] || kill -TERM "$!" 2>/dev/null # we were asked to leave while nodes were still being started
}

# A keeper that was killed took its program with it: both are started again. 1: all nodes have ended.
run_look() {
    local i alive=1 name
    for i in "${!run_nodes[@]}"; do
        name=${run_nodes[i]}
        if kill -0 "${run_pids[i]}" 2>/dev/null; then
            alive=0
        elif [ -d "$run_dir/logs" ] && [ ! -e "$run_dir/logs/$name.exit" ] && [ -z "$run_stopping" ] && [ "$((run_lost[i] += 1))" -le "$run_keepers_max" ]; then
            echo "$name: its keeper was killed, both are started again" >>"$run_dir/logs/$name.log"
            run_keep "$i"
            alive=0
        fi
    done
    return $alive
}

nodes() {
    local count=$1 name=$2 i
    shift 2
    for ((i = 1; i <= count; i++)); do
        node "$name.$i" "$@"
    done
}

# ---- all of them ----

# Asked once, programs save and leave; asked again, they are killed.
run_stop() {
    [ -n "$run_stopping" ] || run_stopping=$SECONDS
    local pid
    for pid in "${run_pids[@]}"; do
        kill -TERM "$pid" 2>/dev/null
    done
}

# The failing program's sentence, once, and the log of the node that said it.
run_report_failure() {
    local failed log
    mapfile -t failed <"$run_dir/FAILED"
    failed+=('' '' '' '')
    log=$run_dir/logs/${failed[3]:-${failed[1]}}.log
    [ -e "$log" ] || log=$run_dir/logs
    echo "${failed[1]}: ${failed[2]#"${failed[1]}: "}" | petrel-top --reveal "$run_dir" >&2
    echo "${0##*/}: the run failed; see $log" >&2
}

run_wait() {
    local failed_at='' code top
    (trap '' INT HUP && exec {run_lock}>&- && exec petrel-top --bars "$run_dir" >&2) &
    top=$!
    while run_look; do
        sleep 0.3
        # a program that takes no notice of the failure, or of being asked to leave, is asked, then made to
        [ ! -e "$run_dir/FAILED" ] || : "${failed_at:=$SECONDS}"
        [ -z "$failed_at" ] || [ -n "$run_stopping" ] || ((SECONDS - failed_at < 20)) || run_stop
    done
    kill -TERM "$top" 2>/dev/null
    wait "$top" 2>/dev/null
    trap - INT TERM HUP USR1
    run_end
    code=$?
    exec {run_lock}>&- # only now: whoever waits for it clears what was read
    return "$code"
}

run_end() {
    local name code worst=0 i
    unset PETREL_PROGRESS_DIR # what is started now is none of the run
    if [ -e "$run_dir/FAILED" ]; then
        run_report_failure
        code=$(head -n 1 "$run_dir/FAILED")
        return "$code"
    fi
    petrel-top --end "$run_dir" >&2
    for i in "${!run_lost[@]}"; do
        echo "${run_nodes[i]}: its keeper was killed and started again, times: ${run_lost[i]}" >&2
    done
    for name in "${run_nodes[@]}"; do
        code=$(cat "$run_dir/logs/$name.exit" 2>/dev/null || echo 75) # its keeper was killed as the run was stopped
        case $code in
        0) ;;
        65) [ "$worst" != 0 ] || worst=65 ;;
        *) [ "$worst" != 0 ] && [ "$worst" != 65 ] || worst=$code ;;
        esac
    done
    [ "$worst" != 75 ] || echo "${0##*/}: stopped; run it again to go on" >&2
    return "$worst"
}

run_step() {
    local pid code asked='' times=0
    while :; do
        "$@" &
        pid=$!
        trap 'asked=1; kill -TERM "$pid" 2>/dev/null' INT TERM HUP USR1
        wait "$pid"
        code=$?
        while kill -0 "$pid" 2>/dev/null; do # it was a signal to us that ended the wait
            wait "$pid"
            code=$?
        done
        # killed from outside: it is begun again, as a node is, and goes on where it was
        [ "$code" = 137 ] && [ -z "$asked" ] && [ $((times += 1)) -le "$run_keepers_max" ] || break
        echo "${1##*/}: killed, started again" >&2
        sleep 0.$((times < 9 ? times : 9))
        [ -z "$asked" ] || break
    done
    trap - INT TERM HUP USR1
    return "$code"
}
