# SPDX-License-Identifier: Apache-2.0
# A real Slurm of two nodes on this machine (slurm.bash): scans to a report by submit.sh, with tasks put back, a node lost and the warning before the
# time limit: the cache digest and the model bytes of one machine left in peace. Skipped aloud where Slurm is not installed.
bats_require_minimum_version 1.5.0
load ../cli/small
load slurm

setup_file() {
    slurm_there || return 0
    small_cache
    cd "$BATS_FILE_TMPDIR" || return
    # one machine, nobody disturbs it
    small_recipe 40 >small.conf
    cp -r "$SMALL/cache" cache && petrel-cache split cache --force --validation 0.34 --test 0.34 --seed 4 >/dev/null
    "$TOP/pipelines/train.sh" --cache cache --out model --recipe small.conf -j 1 --seed 3 >alone.log 2>&1 3>&- || { tail alone.log; return 1; }
    slurm_up "$BATS_FILE_TMPDIR/slurm" 2 || return
    declare -p slurm_dir slurm_pids | sed "s/^declare/declare -g/" >slurm.vars
}
teardown_file() {
    [ -e "$BATS_FILE_TMPDIR/slurm.vars" ] || return 0
    . "$BATS_FILE_TMPDIR/slurm.vars"
    slurm_down
}
setup() {
    slurm_there || skip "$slurm_why"
    export SLURM_CONF=$BATS_FILE_TMPDIR/slurm/slurm.conf SMALL_RECIPE=$BATS_FILE_TMPDIR/small.conf
    . "$BATS_FILE_TMPDIR/slurm.vars"
    cd "$BATS_TEST_TMPDIR" || return
}

submit() { "$TOP/pipelines/slurm/submit.sh" --recipe "$SMALL_RECIPE" --cpus 1 --mem 500M --train-mem 500M --time 10:00 "$@"; }
digest_of() { petrel-cache verify "$1" | tail -n 1; }
job_of() { sed -n "s/^$1: job \([0-9]*\).*/\1/p" submitted; }
until_there() { # until_there COMMAND...: for a minute at most
    local i
    for ((i = 0; i < 600; i++)); do "$@" && return; sleep 0.1; done
    echo "never: $*"
    return 1
}
shards_in() { [ "$(ls "$1"/*.h5 2>/dev/null | wc -l)" -ge "$2" ]; }
rows_in() { [ "$(wc -l <"$1" 2>/dev/null || echo 0)" -ge "$2" ]; }
ends() { # ends JOB: it comes to its end, hurried on where it was put back
    local i
    for ((i = 0; i < 100; i++)); do
        slurm_hurry
        slurm_wait "$1" 3 >/dev/null && { echo "job $1: $slurm_state"; [[ $slurm_state == "COMPLETED " ]] && return; tail -n 30 all/logs/*; return 1; }
    done
    squeue
    tail -n 30 all/logs/*
    return 1
}

@test "scans to a report in three jobs: the cache and the model of one machine, though tasks are put back and warned" {
    submit "$SMALL/cohort/scans.tsv" --out all --tasks 2 --split "--validation 0.34 --test 0.34 --seed 4" --seed 3 --makers 1 --train-cpus 2 --train-nodes 2 >submitted
    cat submitted
    grep -q "petrel-top" submitted
    # a task of the array is put back by the administrator when it has a scan
    until_there shards_in all/parts/1 1
    scontrol requeue "$(job_of rois)_1" || true # it may have been quick
    until_there shards_in all/parts/2 1
    # and another is warned, as before its time limit
    scancel --signal=USR1 --batch "$(job_of rois)_2" || true
    ends "$(job_of rois)"
    ends "$(job_of collect)"
    [ "$(digest_of all/cache)" = "$(digest_of "$BATS_FILE_TMPDIR/cache")" ]
    cmp all/cache/splits.tsv "$BATS_FILE_TMPDIR/cache/splits.tsv"
    # training is warned in the middle: it saves, is put back, and goes on
    until_there rows_in all/model/pretrain/losses.csv 4
    scancel --signal=USR1 --batch "$(job_of train)"
    until_there grep -q "put back into the queue" all/logs/train-*.log || { cat all/logs/train-*.log all/model/pretrain/logs/*; squeue; return 1; }
    ends "$(job_of train)"
    cmp all/model/encoder.safetensors "$BATS_FILE_TMPDIR/model/encoder.safetensors"
    cmp all/model/model.safetensors "$BATS_FILE_TMPDIR/model/model.safetensors"
    grep -q '<html' all/model/report.html
    # all of it again: nothing is done twice
    before=$(sha256sum all/cache/*.h5)
    submit "$SMALL/cohort/scans.tsv" --out all --tasks 2 --seed 3 --makers 1 --train-cpus 2 --train-nodes 2 >submitted
    ends "$(job_of train)"
    [ "$(sha256sum all/cache/*.h5)" = "$before" ]
    cmp all/model/model.safetensors "$BATS_FILE_TMPDIR/model/model.safetensors"
}

@test "two trainers on two nodes share every step: the bytes of two on one node, though they are warned in the middle" {
    command -v mpirun >/dev/null && [ -e "$BIN/petrel-mpi.so" ] || skip "no MPI: openmpi-bin and libopenmpi-dev are not installed"
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_WAIT_POLICY=passive
    for nodes in 1 2; do
        mkdir -p $nodes/logs && cp -r "$BATS_FILE_TMPDIR/cache" $nodes/cache
        ln -sfn $nodes all
        submit --only train --out $nodes --seed 3 --ranks 2 --makers 1 --train-cpus 1 --train-nodes $nodes >submitted
        if [ $nodes = 2 ]; then
            until_there rows_in 2/model/pretrain/losses.csv 4
            [ "$(squeue -h -j "$(job_of train)" -o %N)" = "n[1-2]" ]
            scancel --signal=USR1 --batch "$(job_of train)"
            until_there grep -q "put back into the queue" 2/logs/train-*.log || { cat 2/logs/train-*.log 2/model/pretrain/logs/*; squeue; return 1; }
        fi
        ends "$(job_of train)"
    done
    cmp 1/model/encoder.safetensors 2/model/encoder.safetensors
    cmp 1/model/model.safetensors 2/model/model.safetensors
}

@test "a node is lost while it trains: the job goes on elsewhere and ends in the same bytes" {
    mkdir -p all/logs && cp -r "$BATS_FILE_TMPDIR/cache" all/cache
    submit --only train --out all --seed 3 --makers 1 --train-cpus 2 >submitted
    until_there rows_in all/model/pretrain/losses.csv 4
    node=$(squeue -h -j "$(job_of train)" -o %N)
    slurm_node_lost "$node" "$(job_of train)"
    scontrol update nodename="$node" state=down reason=lost
    ends "$(job_of train)"
    [ "$(scontrol -o show job "$(job_of train)" | sed 's/.* Restarts=\([0-9]*\).*/\1/')" -ge 1 ]
    cmp all/model/model.safetensors "$BATS_FILE_TMPDIR/model/model.safetensors"
    scontrol update nodename="$node" state=resume || true
    slurm_node_up "$node"
    declare -p slurm_dir slurm_pids | sed "s/^declare/declare -g/" >"$BATS_FILE_TMPDIR/slurm.vars"
    until_there [ "$(sinfo -h -t idle,mix,alloc -o %D)" = 2 ] || true
}

@test "words that make no sense are refused before anything is submitted" {
    run -64 submit "$SMALL/cohort/scans.tsv"
    [[ $output == *"--out"* ]]
    run -64 submit --out all
    run -64 submit "$SMALL/cohort/scans.tsv" --out all --tasks 0
    run -64 submit "$SMALL/cohort/scans.tsv" --out all --polish 3
    [[ $output == *"--polish"* ]]
    run -66 submit nowhere --out all
    run -0 submit "$SMALL/cohort/scans.tsv" --out all --tasks 3 --dry-run --maker-nodes 2 --gpus 1 --sbatch "--account lab" --tables "I VII"
    [[ $output == *"--array=1-3"* && $output == *"--account lab"* && $output == *" : "* && $output == *tables.sbatch* ]]
    run -64 submit "$SMALL/cohort/scans.tsv" --out all --tasks 2 --dry-run
    [[ $output == *"was begun with --tasks 3"* ]]
    [ -z "$(squeue -h)" ]
}
