# SPDX-License-Identifier: Apache-2.0
# lib -- what every pipeline needs: a run directory, programs kept running, their progress, their end. Sourced by bash.
#
#     run_begin DIR                 a new run in DIR (mode 0700): clears what a run before left of channels and failure
#     node NAME COMMAND...          COMMAND in the background, stderr in DIR/logs/NAME.log; started again when a signal kills it
#     nodes N NAME COMMAND...       N copies: NAME.1 .. NAME.N
#     run_wait                      until all have ended; draws their progress; returns the worst exit code:
#                                   a failure beats 65 (something was refused) beats 0; 75: stopped, run it again to go on
#
# Programs find the run in PETREL_RUN_DIR and put their progress in PETREL_PROGRESS_DIR; PETREL_PARENT (PID@HOST) lets them
# leave should this shell be killed. The first failure is in DIR/FAILED (proto/PROTOCOL.md); it stops every program.
#
# A pipeline of pipelines: run_step COMMAND...     COMMAND's exit code; a signal to this shell goes on to it
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
    exec {run_lock}>"$run_dir/lock" && flock -w 1 "$run_lock" || {
        echo "${0##*/}: another run is at work in '$run_dir': wait for it, or choose another directory" >&2
        exit 75
    }
    local tries
    for ((tries = 0; tries < 100; tries++)); do # what a killed pipeline left behind is on its way out
        run_left_behind || break
        sleep 0.1
    done
    rm -rf "$run_dir/FAILED" "$run_dir/channels" "$run_dir/progress" "$run_dir/logs"
    mkdir -m 700 "$run_dir/channels" "$run_dir/progress" "$run_dir/logs" || exit 73
    export PETREL_RUN_DIR=$run_dir PETREL_PROGRESS_DIR=$run_dir/progress PETREL_PARENT=$$@$HOSTNAME
    run_nodes=() run_pids=() run_commands=() run_lost=() run_stopping='' run_lines=0 run_told=0
    trap run_stop INT TERM HUP
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
    run_pids+=('')
    run_keep $((${#run_nodes[@]} - 1))
}

# A keeper for node NUMBER. It is the pipeline that holds the run, not what it leaves behind: the lock stays here.
run_keep() {
    (exec {run_lock}>&- && eval "exec petrel-keep -- ${run_commands[$1]}") &
    run_pids[$1]=$!
}

# A keeper that was killed took its program with it: both are started again. 1: all nodes have ended.
run_look() {
    local i alive=1 name
    for i in "${!run_nodes[@]}"; do
        name=${run_nodes[i]}
        if kill -0 "${run_pids[i]}" 2>/dev/null; then
            alive=0
        elif [ ! -e "$run_dir/logs/$name.exit" ] && [ -z "$run_stopping" ] && [ "$((run_lost[i] += 1))" -le "$run_keepers_max" ]; then
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

# A line a program, its copies added up, in the order of the pipeline:
#     petrel-load [########............] 45/177 scans 3.2/s eta 41 s  a.nii.gz
run_progress() {
    # grep and not awk reads the files: one may be replaced or gone after it was listed
    (cd "$run_dir/progress" && grep -H '' -- *.[0-9]* 2>/dev/null) | awk -v programs="${run_programs[*]}" '
        function duration(s) {
            s = int(s + 0.5)
            if (s < 60) return sprintf("%d s", s)
            if (s < 3600) return sprintf("%d min %02d s", s / 60, s % 60)
            return sprintf("%d h %02d min", s / 3600, s % 3600 / 60)
        }
        BEGIN { count = split(programs, order, " ") }
        {
            name = substr($0, 1, index($0, ":") - 1)
            if (name !~ /\.[0-9]+$/) next
            sub(/\.[0-9]+$/, "", name)
            $0 = substr($0, index($0, ":") + 1)
            if (!(name in unit)) order[++count] = name
            done[name] += $1; total[name] += $2; unit[name] = $3; rate[name] += $4
            text[name] = ""
            for (i = 6; i <= NF; i++) text[name] = text[name] " " $i
        }
        END {
            for (n = 1; n <= count; n++) {
                name = order[n]
                if (!(name in unit)) continue
                line = sprintf("%-15s ", name)
                if (total[name] > 0) {
                    full = int(20 * done[name] / total[name]); if (full > 20) full = 20
                    bar = ""
                    for (i = 0; i < 20; i++) bar = bar (i < full ? "#" : ".")
                    line = line "[" bar "] " done[name] "/" total[name] " " unit[name]
                } else
                    line = line done[name] " " unit[name]
                if (rate[name] > 0) line = line sprintf(rate[name] < 10 ? " %.2g/s" : " %.0f/s", rate[name])
                if (rate[name] > 0 && total[name] > done[name])
                    line = line " eta " duration((total[name] - done[name]) / rate[name])
                print line (text[name] ? " " text[name] : "")
                delete unit[name]
            }
        }'
}

# A line a scan that was kept, from what each program wrote of it; those of before left out:
#     5f8cb1f1bfe6  GE MEDICAL SYSTEMS  SUV factor 0.000242903  SUVmax 66.52  34 regions  2 tumours  1.4 s  ge_sarcoma_dicom/image
run_scans() {
    cat "$run_dir/logs"/*.log 2>/dev/null | awk -v told="$run_told" '
        # what stands behind a key: to the end of its quotes, or to the next key
        function value(key,    text, end) {
            if (!(end = match($0, " " key "="))) return ""
            text = substr($0, end + length(key) + 2)
            if (text ~ /^"/) { text = substr(text, 2); return substr(text, 1, index(text, "\"") - 1) }
            return match(text, / [a-z_]+=/) ? substr(text, 1, RSTART - 1) : text
        }
        / event=(read|suv|regions) / { took[value("scan") SUBSEP value("event")] = value("seconds") }
        / event=cached / && !(value("scan") in patient) {
            scan[++count] = value("scan")
            patient[scan[count]] = value("patient")
            line[count] = sprintf("%s  SUV factor %s  SUVmax %s  %d regions  %d tumours", value("vendor"), value("factor"), value("suv_max"),
                value("regions"), value("tumours"))
        }
        END {
            for (n = told + 1; n <= count; n++)
                printf "%s  %s  %.1f s  %s\n", patient[scan[n]], line[n],
                    took[scan[n] SUBSEP "read"] + took[scan[n] SUBSEP "suv"] + took[scan[n] SUBSEP "regions"], scan[n]
        }'
}

# Those lines once, then the bars; on a terminal these replace the ones drawn before.
run_draw() {
    local line scans=()
    mapfile -t scans < <(run_scans)
    run_told=$((run_told + ${#scans[@]}))
    if [ ! -t 2 ]; then
        [ ${#scans[@]} = 0 ] || printf '%s\n' "${scans[@]}" >&2
        [ "${1:-}" = last ] || run_progress | sed 's/  */ /g' >&2
        return
    fi
    {
        [ "$run_lines" = 0 ] || printf '\033[%dA' "$run_lines"
        run_lines=0
        [ ${#scans[@]} = 0 ] || printf '\r\033[K%s\n' "${scans[@]}"
        while IFS= read -r line; do
            printf '\r\033[K%.*s\n' $((${COLUMNS:-80} - 1)) "$line"
            run_lines=$((run_lines + 1))
        done < <(run_progress)
        printf '\033[J'
    } >&2
}

# What people want to know at the end: each program's last line, what was refused, who was killed.
run_report() {
    local name refused
    for name in "${run_nodes[@]}"; do
        [[ $name =~ \.[0-9]+$ ]] || grep -v '^program=' "$run_dir/logs/$name.log" 2>/dev/null | tail -n 1 >&2
        [ ! -s "$run_dir/logs/$name.kills" ] || echo "$name: killed and started again, times: $(<"$run_dir/logs/$name.kills")" >&2
    done
    refused=$(sed -n "s/^program=\([^ ]*\) level=[a-z]* text=\"\(refused '.*\)\"\$/\1: \2/p; /^[^ =]*: refused '/p" \
        "$run_dir/logs"/*.log 2>/dev/null | sort -u)
    [ -n "$refused" ] || return 0
    echo "refused: $(wc -l <<<"$refused") scans" >&2
    head -n 20 <<<"$refused" >&2
    [ "$(wc -l <<<"$refused")" -le 20 ] || echo "... and $(($(wc -l <<<"$refused") - 20)) more in $run_dir/logs" >&2
}

# The failing program's sentence, once, and where it said more.
run_report_failure() {
    local failed log
    mapfile -t failed <"$run_dir/FAILED"
    failed+=('' '' '')
    log=$(grep -lF -- "${failed[2]}" "$run_dir/logs"/*.log 2>/dev/null | head -n 1)
    echo "${failed[1]}: ${failed[2]#"${failed[1]}: "}" >&2
    echo "${0##*/}: the run failed; see ${log:-$run_dir/logs}" >&2
}

run_wait() {
    local drawn=$SECONDS failed_at='' name code worst=0 every=10
    [ ! -t 2 ] || every=0
    while run_look; do
        sleep 0.3
        if ((SECONDS - drawn >= every)); then
            drawn=$SECONDS
            run_draw
        fi
        # a program that takes no notice of the failure, or of being asked to leave, is asked, then made to
        [ ! -e "$run_dir/FAILED" ] || : "${failed_at:=$SECONDS}"
        [ -z "$failed_at" ] || [ -n "$run_stopping" ] || ((SECONDS - failed_at < 20)) || run_stop
    done
    run_draw last
    trap - INT TERM HUP
    exec {run_lock}>&-
    if [ -e "$run_dir/FAILED" ]; then
        run_report_failure
        code=$(head -n 1 "$run_dir/FAILED")
        return "$code"
    fi
    run_report
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
    local pid code
    "$@" &
    pid=$!
    trap 'kill -TERM "$pid" 2>/dev/null' INT TERM HUP
    wait "$pid"
    code=$?
    while kill -0 "$pid" 2>/dev/null; do # it was a signal to us that ended the wait
        wait "$pid"
        code=$?
    done
    trap - INT TERM HUP
    return "$code"
}
