#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Several petrel-train that share every step on this machine, on processors by mpirun and on emulated GPUs: against one process with
# the whole batch.
bats_require_minimum_version 1.5.0
load small

setup() {
    [[ $BATS_TEST_DESCRIPTION == *GPUs* ]] || { command -v mpirun >/dev/null && [ -e "$BIN/petrel-mpi.so" ]; } ||
        skip "no MPI: openmpi-bin and libopenmpi-dev are not installed"
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl=self,vader \
        OMPI_MCA_hwloc_base_binding_policy=none OMP_WAIT_POLICY=passive
    small_cache
    cd "$BATS_TEST_TMPDIR" || return
    small_recipe 2 >small.conf
    # 16 pairs an epoch in two batches: the rows of the cache, each with the next
    petrel-cache ls "$SMALL/cache" >rows.tsv
    for i in $(seq 0 15); do printf '%d\t%d\n' "$i" $((i + 1)); done >pairs.tsv
}

train() { # train RUN ARGUMENT...: what each rank, or the only process, is told
    echo pretrain --cache "$SMALL/cache" --run "$1" --recipe small.conf --threads 1 --backend "${BACKEND:-cpu}" --set clip_norm=10 "${@:2}"
}
together() { # together RANKS RUN ARGUMENT...
    mpirun -n "$1" petrel-train $(train "${@:2}") --ranks environment
}
on_gpus() { # on_gpus RANKS RUN ARGUMENT...: as torchrun would start them
    local r pids=() bad=0
    for ((r = 0; r < $1; r++)); do
        RANK=$r WORLD_SIZE=$1 LOCAL_RANK=$r petrel-train $(train "${@:2}") --ranks environment 3>&- &
        pids+=($!)
    done
    for r in "${pids[@]}"; do wait "$r" || bad=$?; done
    return $bad
}
# the largest difference of the loss column, relative
losses_differ() {
    paste -d, "$1/losses.csv" "$2/losses.csv" | awk -F, 'NR > 1 {d = ($3 - $12) / $3; if (d < 0) d = -d; if (d > m) m = d; n++}
        END {if (!n) exit 1; printf "%d rows, at most %.2g\n", n, m; exit !(m < '"$3"')}'
}

@test "ranks: four with batch statistics in step learn what one learns, to rounding; and the same bytes twice" {
    petrel-train $(train one --pair-list pairs.tsv)
    together 4 four --pair-list pairs.tsv --set sync_norm=yes
    losses_differ one four 2e-4
    together 4 again --pair-list pairs.tsv --set sync_norm=yes
    cmp four/pretrained.safetensors again/pretrained.safetensors
    # without it the batch statistics are each rank's own: another run, and it says so
    together 4 apart --pair-list pairs.tsv
    run ! losses_differ one apart 2e-4
}

@test "ranks: methods with a teacher, a queue, labels or assignments of a whole batch learn what one learns, too" {
    printf '%s\n' 'moco_queue = 32' 'byol_hidden = 16' 'swav_prototypes = 8' 'smog_groups = 8' 'smog_hidden = 16' 'smog_bank = 64' \
        'smog_reset = 3' 'dino_outputs = 32' >>small.conf
    local words
    for m in moco byol supcon swav smog dino wsp simclr; do
        words=
        [ $m != dino ] || words="--views 2"
        [ $m != wsp ] || words="--box-slices 5"
        petrel-train $(train one-$m --pair-list pairs.tsv --method $m $words)
        together 2 two-$m --pair-list pairs.tsv --method $m $words --set sync_norm=yes
        # columns are fewer than VICReg's: epoch, step, loss ...
        paste -d' ' <(cut -d, -f3 one-$m/losses.csv) <(cut -d, -f3 two-$m/losses.csv) |
            awk 'NR > 1 {d = ($1 - $2) / $1; if (d < 0) d = -d; if (d > m) m = d; n++} END {print "'$m'", n, m; exit !(n == 4 && m < 2e-4)}'
    done
}

@test "ranks: crops of a box by pair makers of their own learn what one learns" {
    local m r run
    printf 'dino_outputs = 32\n' >>small.conf
    for m in voco_supervised dino; do
        for run in one-$m two-$m; do
            mkdir -p $run
            for r in 0 1; do
                [ $run = two-$m ] || [ $r = 0 ] || continue
                petrel-pairs --quiet --run $run --recipe small.conf $([ $run = one-$m ] || echo --in tasks-$r --out pairs-$r) --silence 1.5 \
                    "$SMALL/cache" 2>$run/pairs.$r.log 3>&- &
            done
            if [ $run = one-$m ]; then
                petrel-train $(train $run --method $m --steps 3) 3>&-
            else
                together 2 $run --method $m --steps 3 --set sync_norm=yes
            fi
            wait
        done
        paste -d' ' <(cut -d, -f3 one-$m/losses.csv) <(cut -d, -f3 two-$m/losses.csv) |
            awk 'NR > 1 {d = ($1 - $2) / $1; if (d < 0) d = -d; if (d > m) m = d; n++} END {print "'$m'", n, m; exit !(n == 3 && m < 5e-4)}'
    done
}

@test "ranks: pair makers of their own, killed and resumed: the same bytes as undisturbed" {
    local r run
    for run in whole broken; do
        mkdir -p $run
        for r in 0 1; do petrel-pairs --run $run --recipe small.conf --in tasks-$r --out pairs-$r "$SMALL/cache" 2>$run/pairs.$r.log 3>&- & done
        if [ $run = broken ]; then # one of them is killed; whoever started them ends the other
            together 2 $run --checkpoint-s 0 >broken.out 2>&1 3>&- &
            while [ "$(wc -l <broken/losses.csv 2>/dev/null || echo 0)" -lt 4 ]; do sleep 0.1; done
            pkill -9 -n -f "petrel-train pretrain .*--run broken" || return
            wait $! && return 1
        fi
        together 2 $run
        wait
    done
    cmp whole/pretrained.safetensors broken/pretrained.safetensors
}

@test "ranks: what cannot be shared, or is not there, is refused" {
    run together 3 three --pair-list pairs.tsv
    [[ $output == *"which 3 ranks cannot share equally"* ]]
    run -64 petrel-train $(train none --pair-list pairs.tsv) --ranks environment
    [[ $output == *"the environment names no rank"* ]]
    PETREL_MPI=/nowhere.so RANK=0 WORLD_SIZE=2 run -69 petrel-train $(train none --pair-list pairs.tsv) --ranks environment
    [[ $output == *"no MPI part"*"/nowhere.so"* ]]
}

# PETREL_TEST_GPUS=2: on so many real ones (tests/gpu/run.sh)
@test "ranks: several GPUs, emulated ones here, with batch statistics in step learn what one learns; and the same bytes twice" {
    local part=$BIN/../tests/emu/petrel-cuda.so run many=${PETREL_TEST_GPUS:-4}
    export BACKEND=cuda PETREL_TUNED=$BATS_TEST_TMPDIR/tuned
    if [ -z "${PETREL_TEST_GPUS:-}" ]; then
        [ -e "$part" ] || skip "the emulated GPU is not built: make tests"
        export PETREL_CUDA=$part PETREL_NCCL=$part PETREL_EMU_DEVICES=2 PETREL_EMU_TIMES=1
    fi
    petrel-train $(train one --pair-list pairs.tsv)
    for run in first again; do on_gpus "$many" $run --pair-list pairs.tsv --set sync_norm=yes; done
    losses_differ one first 2e-4
    cmp first/pretrained.safetensors again/pretrained.safetensors # the first has measured, the second found what it kept
    on_gpus "$many" apart --pair-list pairs.tsv
    run ! losses_differ one apart 2e-4
    PETREL_NCCL=/nowhere.so RANK=1 WORLD_SIZE=2 run -69 petrel-train $(train none --pair-list pairs.tsv) --ranks environment
    [[ $output == *"need NCCL, which cannot be opened"*"/nowhere.so"* ]]
    PETREL_CUDA_DEVICE=first run -64 petrel-train $(train none --pair-list pairs.tsv)
    [[ $output == *"PETREL_CUDA_DEVICE is 'first'"* ]]
}
