# SPDX-License-Identifier: Apache-2.0
# whole pipelines attacked: programs killed at random moments, pipelines stopped and killed; what comes out is what
# would have come out. Attacks are counted in the output.
bats_require_minimum_version 1.5.0
load small

setup_file() {
    small_model
    cd "$BATS_FILE_TMPDIR" || return 1
    small_recipe 25 >long.conf
    "$TOP/pipelines/train.sh" --cache "$SMALL/cache" --recipe long.conf --out undisturbed -j 2
    # each scan twice, under two names, so that there is time to attack
    for copy in A B; do
        cp -rl "$SMALL/cohort" $copy
        sed "1d; s|^|$copy|; s|\tSIMULATED_\([0-9]*/\)|\t$copy/SIMULATED_\1|g" "$SMALL/cohort/scans.tsv"
    done >rows
    { head -n 1 "$SMALL/cohort/scans.tsv" && cat rows; } >scans.tsv
    "$TOP/pipelines/rois.sh" scans.tsv --out undisturbed.cache -j 2 --spacing 6,6,6
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    whole=$BATS_FILE_TMPDIR
    RANDOM=$BATS_TEST_NUMBER
    same=(--cache "$SMALL/cache" --recipe "$whole/long.conf" -j 2)
}

# What outlives its test would go on in the next: no program works in this test's directory.
teardown() {
    local tries
    for tries in $(seq 100); do
        left=$(pgrep -u "$UID" petrel- | xargs -r -I{} readlink /proc/{}/cwd | grep -c "^$BATS_TEST_TMPDIR") || return 0
        sleep 0.1
    done
    echo "$left programs still running"
    return 1
}

# Attacks fall while something runs, and a machine may be too busy, or too quick, for enough of them to fall in one run: attacked
# again, from the beginning, until as many have fallen as the test wants. Every run must end as an undisturbed one does.
#     until_counted N ATTACK     ATTACK runs it once in an empty folder, adds to $count, and looks at what came out
until_counted() {
    local tries
    count=0
    for tries in $(seq 20); do
        rm -rf out cache
        "$2"
        [ "$count" -lt "$1" ] || return 0
    done
    echo "only $count of $1 attacks fell in $tries runs"
    return 1
}

say() { echo "# $*" >&3; }

# until FILE has more than N lines, or the pipeline PID is over (1)
until_lines() {
    local file=$1 n=$2 pid=$3
    until [ "$(cat "$file" 2>/dev/null | wc -l)" -gt "$n" ]; do
        kill -0 "$pid" 2>/dev/null || return 1
        sleep 0.02
    done
}

# kill -9 a running PROGRAM of the pipeline PID; 1: there is none
strike() {
    local parents=$1 program=$2 depth pids=()
    for depth in 1 2 3 4; do # pipeline of pipelines, pipeline, keeper, program
        parents=$(pgrep -P "$parents" -d ,) || return 1
        mapfile -t pids < <(ps -o pid=,comm= -p "$parents" | awk -v comm="$program" '$2 == comm { print $1 }')
        [ ${#pids[@]} = 0 ] || break
    done
    [ ${#pids[@]} -gt 0 ] && kill -9 "${pids[RANDOM % ${#pids[@]}]}" 2>/dev/null
}

same_model() {
    cmp "$whole/undisturbed/encoder.safetensors" "$1/encoder.safetensors"
    cmp "$whole/undisturbed/model.safetensors" "$1/model.safetensors"
    # seconds aside
    diff <(cut -d, -f 1-7,9 "$whole/undisturbed/pretrain/losses.csv") <(cut -d, -f 1-7,9 "$1/pretrain/losses.csv")
}

attack_workers() {
    "$TOP/pipelines/train.sh" "${same[@]}" --out out >log 2>&1 3>&- &
    pipeline=$!
    before=$count
    for rows in 10 40 70; do
        until_lines out/pretrain/losses.csv $rows $pipeline || break
        ! strike $pipeline petrel-pairs || count=$((count + 1))
    done
    wait $pipeline || { cat log; return 1; }
    same_model out
    # one that fell when its work was done is not started again
    grep -q 'killed and started again' log || count=$before
}
@test "pairs workers killed in the middle of pretraining" {
    until_counted 2 attack_workers
    say "$count pairs workers killed"
}

attack_trainer() {
    bash pipeline.sh >log 2>&1 3>&- &
    pipeline=$!
    for n in 1 2 3 4 5; do
        # once it has got further than its last checkpoint
        until_lines out/pretrain/losses.csv $((n * 16 + RANDOM % 8)) $pipeline || break
        ! strike $pipeline petrel-train || count=$((count + 1))
    done
    wait $pipeline || { cat log; return 1; }
    cmp "$whole/undisturbed/encoder.safetensors" out/encoder.safetensors
    ! ls out/pretrain | grep -q checkpoint
}
@test "the trainer killed again and again, between checkpoints and in them" {
    cat >pipeline.sh <<END
. "$TOP/pipelines/lib.sh"
run_pauses=(0.05)
run_begin out/pretrain
nodes 2 pairs petrel-pairs "$SMALL/cache" --recipe "$whole/long.conf" --silence 2
node pretrain petrel-train pretrain --cache "$SMALL/cache" --run out/pretrain --out out/encoder.safetensors --recipe "$whole/long.conf" \
    --checkpoint-s 0.05 --silence 2
run_wait
END
    until_counted 3 attack_trainer
    say "the trainer killed $count times"
}

attack_whole() {
    for file in pretrain/losses.csv pretrain/losses.csv classifier/classifier-losses.csv; do
        "$TOP/pipelines/train.sh" "${same[@]}" --out out >log 2>&1 3>&- &
        pipeline=$!
        if until_lines out/$file $((1 + 30 * count * (count < 2))) $pipeline && kill -TERM $pipeline; then
            wait $pipeline && code=0 || code=$?
            cat log
            [ $code = 75 ] || [ $code = 0 ]
            [ $code = 0 ] || { grep -q 'run it again to go on' log && count=$((count + 1)); }
        fi
    done
    "$TOP/pipelines/train.sh" "${same[@]}" --out out
    same_model out
}
@test "SIGTERM to the whole, then the same command: in pretraining, and in the classifier" {
    until_counted 2 attack_whole
    say "stopped by SIGTERM $count times"
}

attack_terminal() {
    # a terminal's Ctrl-C goes to every process of the group; in the background SIGINT would be ignored
    setsid env --default-signal=INT "$TOP/pipelines/train.sh" "${same[@]}" --out out >log 2>&1 3>&- &
    pipeline=$!
    if until_lines out/pretrain/losses.csv 20 $pipeline && kill -INT -- -$pipeline; then
        wait $pipeline && code=0 || code=$?
        cat log
        [ $code = 75 ] || [ $code = 0 ]
        if [ $code = 75 ] && [ ! -e out/encoder.safetensors ]; then
            [ ! -e out/pretrain/FAILED ]
            [ -n "$(ls out/pretrain | grep checkpoint)" ]
            count=$((count + 1))
        fi
    fi
    "$TOP/pipelines/train.sh" "${same[@]}" --out out
    same_model out
}
@test "Ctrl-C, then the same command" {
    until_counted 1 attack_terminal
}

@test "the pipeline's shell killed: its programs leave, the same command goes on" {
    "$TOP/pipelines/pretrain.sh" "${same[@]}" --out out >log 2>&1 3>&- &
    pipeline=$!
    until_lines out/pretrain/losses.csv 20 $pipeline
    kill -9 $pipeline
    "$TOP/pipelines/train.sh" "${same[@]}" --out out
    same_model out
}

attack_programs() {
    "$TOP/pipelines/rois.sh" "$whole/scans.tsv" --out cache -j 2 --spacing 6,6,6 >log 2>&1 3>&- &
    pipeline=$!
    for n in 1 2 3 4 5 6 7 8; do
        sleep 0.$((RANDOM % 2))$((RANDOM % 10))
        for program in petrel-load petrel-suv petrel-roi petrel-cache; do
            [ $((RANDOM % 3)) = 0 ] && strike $pipeline $program || continue
            kills[$program]=$((kills[$program] + 1)) count=$((count + 1))
        done
        kill -0 $pipeline 2>/dev/null || break
    done
    wait $pipeline || { cat log; return 1; }
    diff <(petrel-cache verify "$whole/undisturbed.cache") <(petrel-cache verify cache)
    diff <(petrel-cache ls --json "$whole/undisturbed.cache") <(petrel-cache ls --json cache)
}
@test "load, suv, roi and cache killed at random: the same cache" {
    declare -A kills=([petrel-load]=0 [petrel-suv]=0 [petrel-roi]=0 [petrel-cache]=0)
    until_counted 4 attack_programs
    say "killed: load ${kills[petrel-load]}, suv ${kills[petrel-suv]}, roi ${kills[petrel-roi]}, cache ${kills[petrel-cache]}"
}

attack_rois() {
    local signal stops=0
    for signal in TERM KILL; do
        "$TOP/pipelines/rois.sh" "$whole/scans.tsv" --out cache -j 2 --spacing 6,6,6 >log 2>&1 3>&- &
        pipeline=$!
        before=$(cat cache/manifest 2>/dev/null | wc -l)
        fell=0
        if until_lines cache/manifest $((before + 2)) $pipeline && kill -$signal $pipeline; then fell=1; fi
        wait $pipeline && code=0 || code=$?
        # asked when all was done, it may be done
        [ $signal = KILL ] || { cat log; [ $code = 75 ] || [ $code = 0 ]; }
        [ $code = 0 ] || stops=$((stops + fell))
    done
    run -0 "$TOP/pipelines/rois.sh" "$whole/scans.tsv" --out cache -j 2 --spacing 6,6,6
    echo "$output"
    [[ $output =~ "12 scans, "([0-9]+)" of them in the cache already" ]]
    there=${BASH_REMATCH[1]}
    [ "$there" -ge 2 ]
    diff <(petrel-cache verify "$whole/undisturbed.cache") <(petrel-cache verify cache)
    [ $stops -lt 2 ] || [ "$there" -lt 4 ] || count=$((count + 1))
}
@test "rois stopped by SIGTERM and by kill -9, then the same command: the same cache, finished scans are not read again" {
    until_counted 1 attack_rois
    say "$there of 12 scans were there already"
}
