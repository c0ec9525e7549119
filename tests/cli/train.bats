# SPDX-License-Identifier: Apache-2.0
# petrel-train: the network as the method counts it; the same bytes however many workers, killed or not; what it refuses

setup_file() {
    BIN=$(realpath "${PETREL_BIN:-build/bin}") D=$BATS_FILE_TMPDIR
    export BIN D PATH=$BIN:$PATH
    petrel-simulate --quiet --out "$D/scans" --patients 6 --scale quick --seed 3 -j 2
    pipelines/rois.sh "$D/scans/scans.tsv" --out "$D/cache" -j 1 >"$D/rois.log" 2>&1
    petrel-cache split "$D/cache" --seed 1
    cat >"$D/tiny.conf" <<'END'
recipe_name = tiny
backbone = resnet10
backbone_width = 4
projection_width = 32
pairs_per_epoch = 20
batch = 8
epochs = 4
warmup = 1
lr = 0.05
classifier_epochs = 5
classifier_batch = 16
classifier_views = 2
END
}

setup() { same=(--quiet --threads 1 --cache "$D/cache" --recipe "$D/tiny.conf"); }

# trainer PHASE RUN words...
trainer() { petrel-train "$1" "${same[@]}" --run "$2" "${@:3}"; }

# phase PHASE RUN JOBS words...: the trainer, with workers beside it; the trainer's exit code
phase() {
    local what=$1 run=$2 jobs=$3 code
    shift 3
    petrel-pairs "${same[@]}" --run "$run" --silence "${silence_s:-1.5}" -j "$jobs" 2>"$run.pairs" 3>&- &
    local workers=$!
    trainer "$what" "$run" "$@" 2>"$run.log" 3>&-
    code=$?
    wait $workers || { cat "$run.pairs"; return 99; }
    return $code
}
losses() { cut -d, -f1-7,9 "$1/losses.csv"; }

@test "describe: 38,938,953 parameters with PEB, 38,409,024 without" {
    run petrel-train describe --recipe pipelines/recipes/paper.conf
    [ "$status" = 0 ]
    [[ "$output" == *"total         38,938,953 parameters with PEB"* ]]
    [[ "$output" == *"backbone      33,160,000 parameters"*"141.4 million multiply-adds a box,   65.0 live"* ]]
    run petrel-train describe --recipe pipelines/recipes/paper.conf --no-position
    [[ "$output" == *"total         38,409,024 parameters without PEB"* ]]
}

@test "both phases: the same bytes with 1 and 3 workers, 1 and 2 threads" {
    phase pretrain "$D/a" 1
    phase classifier "$D/ac" 1 --init "$D/a/pretrained.safetensors"
    phase pretrain "$D/b" 3 --threads 2
    phase classifier "$D/bc" 3 --init "$D/b/pretrained.safetensors" --threads 2
    cmp "$D/a/pretrained.safetensors" "$D/b/pretrained.safetensors"
    cmp "$D/ac/model.safetensors" "$D/bc/model.safetensors"
    cmp "$D/a/pretrain-last.safetensors" "$D/b/pretrain-last.safetensors"
    [ "$(losses "$D/a")" = "$(losses "$D/b")" ]
    [ "$(grep -c train "$D/a/losses.csv")" = 12 ]
    [ "$(grep -c validation "$D/a/losses.csv")" = 4 ]
    [ -z "$(ls "$D/a" | grep checkpoint)" ]
    strings "$D/ac/model.safetensors" | head -n 1 | grep -q '"cohort":"simulated cohort"'
    strings "$D/ac/model.safetensors" | head -n 1 | grep -q 'lr = 0.05'
}

@test "killed five times, and a worker with it: the same bytes" {
    mkdir -p "$D/k"
    petrel-pairs "${same[@]}" --run "$D/k" --silence 1.5 2>/dev/null 3>&- &
    first=$!
    petrel-pairs "${same[@]}" --run "$D/k" --silence 1.5 2>"$D/k.pairs" 3>&- &
    local code=1 kills=0
    while [ $code != 0 ]; do
        petrel-train pretrain "${same[@]}" --run "$D/k" --checkpoint-s 0 2>/dev/null 3>&- &
        if [ $kills -lt 5 ]; then
            # once it has got further
            local before=$(ls "$D/k" | grep checkpoint | tail -n 1)
            for _ in $(seq 200); do
                [ "$(ls "$D/k" | grep checkpoint | tail -n 1)" = "$before" ] || break
                kill -0 $! 2>/dev/null || break
                sleep 0.05
            done
            kill -9 $! 2>/dev/null || true
            [ $kills != 1 ] || kill -9 $first
            kills=$((kills + 1))
        fi
        wait $! && code=0 || code=$?
    done
    wait
    cmp "$D/a/pretrained.safetensors" "$D/k/pretrained.safetensors"
    [ "$(losses "$D/a")" = "$(losses "$D/k")" ]
}

@test "SIGUSR1, SIGTERM and SIGINT in the midst of an epoch save and leave with 75; run again, the same bytes" {
    mkdir -p "$D/t"
    petrel-pairs "${same[@]}" --run "$D/t" --silence 1.5 2>/dev/null 3>&- &
    local code rows=1 signal
    for signal in USR1 TERM INT; do
        # batches one by one, so that the run does not end before the signal; bash has INT ignored in the background
        env --default-signal=INT petrel-train pretrain "${same[@]}" --run "$D/t" --ahead 1 2>"$D/t.log" 3>&- &
        trainer=$!
        for _ in $(seq 1000); do
            [ "$(cat "$D/t/losses.csv" 2>/dev/null | grep -c train)" -le $rows ] || break
            sleep 0.01
        done
        kill -$signal $trainer
        wait $trainer && code=0 || code=$?
        [ $code = 75 ]
        [ -n "$(ls "$D/t" | grep checkpoint)" ]
        rows=$(grep -c train "$D/t/losses.csv")
    done
    petrel-train pretrain "${same[@]}" --run "$D/t" 3>&-
    wait
    cmp "$D/a/pretrained.safetensors" "$D/t/pretrained.safetensors"
    [ "$(losses "$D/a")" = "$(losses "$D/t")" ]
}

@test "a finished run does nothing; other settings and a lost result are refused" {
    run petrel-train pretrain --cache "$D/cache" --run "$D/a" --recipe "$D/tiny.conf"
    [ "$status" = 0 ]
    [[ "$output" == *"finished before: nothing to do"* ]]
    run petrel-train pretrain --cache "$D/cache" --run "$D/a" --recipe "$D/tiny.conf" --lr 0.06
    [ "$status" = 64 ]
    [[ "$output" == *"'lr = 0.05' there, 'lr = 0.06' here"*"--restart"* ]]
    rm -rf "$D/a/FAILED"
    run trainer classifier "$D/x" --init "$D/a/pretrained.safetensors" --peb-norm l2
    [ "$status" = 78 ]
    [[ "$output" == *"pretrained with peb-norm = layer, but it is l2 now"* ]]
    run trainer classifier "$D/y" --init "$D/a/pretrained.safetensors" --no-position
    [ "$status" = 78 ]
    [[ "$output" == *"position"* ]]
}

@test "without validation patients, and with a list of pairs: gone on with from an epoch's end, the same bytes" {
    cp -r "$D/cache" "$D/novalidation"
    sed '/^#/d; 1s/.*/patient\tsplit/; s/\tvalidation$/\ttrain/' "$D/cache/splits.tsv" >"$D/novalidation/splits.tsv"
    same=(--quiet --threads 1 --cache "$D/novalidation" --recipe "$D/tiny.conf")
    phase pretrain "$D/nv" 1
    phase pretrain "$D/nvr" 1 --steps 3 --checkpoint-s 0 # of an epoch of three
    ls "$D/nvr" | grep -q checkpoint-pretrain-.*3.safetensors
    [ -e "$D/nvr/channels/tasks.end" ] # which petrel-pairs, started first by hand, does not take for this trainer's
    silence_s=6 phase pretrain "$D/nvr" 1
    cmp "$D/nv/pretrained.safetensors" "$D/nvr/pretrained.safetensors"
    cmp "$D/nv/pretrain-last.safetensors" "$D/nvr/pretrain-last.safetensors"
    [ "$(losses "$D/nv")" = "$(losses "$D/nvr")" ]

    for i in $(seq 16); do printf '%d\t%d\n' "$i" $((2 * i)); done >"$D/list.tsv"
    trainer pretrain "$D/l" --pair-list "$D/list.tsv"
    trainer pretrain "$D/lr" --pair-list "$D/list.tsv" --steps 2 --checkpoint-s 0
    trainer pretrain "$D/lr" --pair-list "$D/list.tsv"
    cmp "$D/l/pretrained.safetensors" "$D/lr/pretrained.safetensors"
}

@test "adamw: taps that meet no image shrink by the decay of every step, in the best model and the last, gone on with or not" {
    for i in $(seq 16); do printf '%d\t%d\n' "$i" $((2 * i)); done >"$D/dead.tsv"
    learn() { trainer pretrain "$D/$1" --pair-list "$D/dead.tsv" --optimiser adamw --lr 0.01 "${@:2}"; }
    learn start --weight-decay 0 --steps 1
    learn still --weight-decay 0
    learn whole --weight-decay 0.5
    learn parts --weight-decay 0.5 --steps 3 --checkpoint-s 0
    learn parts --weight-decay 0.5
    cmp "$D/whole/pretrained.safetensors" "$D/parts/pretrained.safetensors"
    cmp "$D/whole/pretrain-last.safetensors" "$D/parts/pretrain-last.safetensors"
    values() { perl tests/cli/safetensors.pl "$1" - values backbone.layer4.0.conv1.weight; }
    for model in pretrained pretrain-last; do
        # without decay they stay as they were drawn: 25 of 27 in this layer; with it each is that times the product of 1 - rate 0.5
        steps=$(perl tests/cli/safetensors.pl "$D/whole/$model.safetensors" - get step)
        share=$(awk -F, -v n="$steps" 'NR > 1 && $NF == "train" && k++ < n { if (!k0++) s = 1; s *= 1 - 0.5 * $(NF - 2) } END { printf "%.12g", s }' "$D/whole/losses.csv")
        paste <(values "$D/start/pretrained.safetensors") <(values "$D/still/pretrain-last.safetensors") <(values "$D/whole/$model.safetensors") |
            awk -v share="$share" '$1 == $2 { dead++; off = $3 / ($1 * share) - 1; if (off > 3e-7 || off < -3e-7) wrong++ }
                END { print dead, NR, wrong + 0, share; exit !(dead == NR * 25 / 27 && !wrong && share < 0.999) }'
    done
}

@test "words that are missing or unknown" {
    run petrel-train
    [ "$status" = 64 ]
    [[ "$output" == *"pretrain, classifier, describe"* ]]
    run petrel-train learn --cache "$D/cache" --run "$D/z"
    [ "$status" = 64 ]
    [[ "$output" == *"'learn' is none of"* ]]
    run petrel-train classifier --cache "$D/cache" --run "$D/z"
    [ "$status" = 64 ]
    [[ "$output" == *"--init"* ]]
    run petrel-train pretrain --cache "$D/nowhere" --run "$D/z"
    [ "$status" = 66 ]
    [[ "$output" == *"nowhere"* ]]
    run petrel-train pretrain --cache "$D/cache" --run "$D/z1" --backend ref --precision bfloat16
    [ "$status" = 69 ]
    [[ "$output" == *"no bfloat16"*"--precision float32"* ]]
    run petrel-train pretrain --cache "$D/cache" --run "$D/z2" --backend cuda
    [ "$status" = 69 ] || skip "a GPU is here"
}

@test "--precision bfloat16: the same bytes with 1 and 2 threads, near float32, and recorded" {
    one=(--pair-list "$D/bf16.tsv" --steps 5)
    for i in $(seq 40); do printf '%d\t%d\n' $((i % 17)) $((i * 7 % 17)); done >"$D/bf16.tsv"
    run trainer pretrain "$D/n1" "${one[@]}" --precision bfloat16 --backend cpu
    [ "$status" = 69 ] && skip "this processor has no AVX512_BF16"
    [ "$status" = 0 ]
    trainer pretrain "$D/n2" "${one[@]}" --precision bfloat16 --backend cpu --threads 2
    trainer pretrain "$D/n3" "${one[@]}" --backend cpu
    cmp "$D/n1/pretrained.safetensors" "$D/n2/pretrained.safetensors"
    ! cmp -s "$D/n1/pretrained.safetensors" "$D/n3/pretrained.safetensors"
    # the first loss differs by rounding alone; then batches of 8 part their ways, for layer 4 is normalised over 8 numbers
    paste -d, "$D/n1/losses.csv" "$D/n3/losses.csv" | awk -F, '
        NR > 1 { d = ($3 - $12) / $12; if (d < 0) d = -d; if (d > (NR == 2 ? 0.005 : 0.1)) bad = 1; n++ } END { exit !(n == 5 && !bad) }'
    head -c 20000 "$D/n1/pretrained.safetensors" | grep -aq 'precision = bfloat16'
    run trainer pretrain "$D/n1" "${one[@]}" --backend cpu --steps 6
    [ "$status" = 64 ]
    [[ "$output" == *"'precision = bfloat16' there, 'precision = float32' here"* ]]
}

@test "export: a compact model is taken as the whole one is" {
    run petrel-train export --init "$D/ac/model.safetensors"
    [ "$status" = 64 ]
    [[ "$output" == *"say what to write"* ]]
    petrel-train export --quiet --init "$D/ac/model.safetensors" --compact "$D/compact" --onnx "$D/model.onnx"
    petrel-train export --quiet --init "$D/compact" --model "$D/expanded"
    [ "$(stat -c %s "$D/compact")" -lt "$(($(stat -c %s "$D/expanded") / 2))" ]
    [ "$(stat -c %s "$D/ac/model.safetensors")" = "$(stat -c %s "$D/expanded")" ]
    [ -s "$D/model.onnx" ]
    for m in ac/model.safetensors compact; do
        petrel-eval embed --quiet --cache "$D/cache" --model "$D/$m" --split all --out "$D/embedded"
        grep -v '^#' "$D/embedded" >"$D/embedded.$(basename $m)"
    done
    cmp "$D/embedded.model.safetensors" "$D/embedded.compact"
    petrel-train export --quiet --init "$D/a/pretrained.safetensors" --compact "$D/compact.pretrained"
    phase classifier "$D/cc" 1 --init "$D/compact.pretrained"
    cmp <(cut -d, -f1-4,6 "$D/ac/classifier-losses.csv") <(cut -d, -f1-4,6 "$D/cc/classifier-losses.csv")
}

# embedded MODEL: what the encoder makes of every region
embedded() {
    petrel-eval embed --quiet --cache "$D/cache" --model "$1" --split all --out "$D/e.tsv" >/dev/null
    grep -v '^#' "$D/e.tsv" | cut -f 1,7-
}

@test "--unfreeze: the encoder learns, too; stopped and threaded, the same bytes" {
    local tune=(--init "$D/a/pretrained.safetensors" --unfreeze --class-weights 0,0 --classifier-lr 0.001 --classifier-epochs 2)
    phase classifier "$D/f1" 1 "${tune[@]}"
    phase classifier "$D/f2" 2 "${tune[@]}" --threads 2 --steps 7 --out "$D/seven.safetensors"
    [ -n "$(ls "$D/f2" | grep checkpoint-classifier-000000007)" ]
    rm -r "$D/f2/channels" # a new run, as pipelines/lib.sh begins one
    phase classifier "$D/f2" 2 "${tune[@]}" --threads 2
    cmp "$D/f1/model.safetensors" "$D/f2/model.safetensors"
    cmp "$D/f1/classifier-last.safetensors" "$D/f2/classifier-last.safetensors"
    [ "$(cut -d, -f1-4,6 "$D/f1/classifier-losses.csv")" = "$(cut -d, -f1-4,6 "$D/f2/classifier-losses.csv")" ]
    [ "$(embedded "$D/ac/model.safetensors")" = "$(embedded "$D/a/pretrained.safetensors")" ]
    [ "$(embedded "$D/f1/model.safetensors")" != "$(embedded "$D/a/pretrained.safetensors")" ]
}

@test "--train-fraction: a share of the steps; --class-weights" {
    local init=(--init "$D/a/pretrained.safetensors" --classifier-epochs 2)
    local all=$(grep -c '^0,.*train' "$D/ac/classifier-losses.csv") some
    same+=(--train-fraction 0.15)
    phase classifier "$D/tf" 1 "${init[@]}"
    some=$(grep -c '^0,.*train' "$D/tf/classifier-losses.csv")
    [ $((100 * some)) -ge $((15 * all - 100)) ] && [ $((100 * some)) -le $((15 * all + 100)) ]
    phase classifier "$D/tw" 1 "${init[@]}" --class-weights 2,2
    # twice the loss of the first step, to the digits of a float
    awk -F, 'FNR == 2 { loss[n++] = $3 } END { exit !(loss[1] / loss[0] > 1.999999 && loss[1] / loss[0] < 2.000001) }' \
        "$D/tf/classifier-losses.csv" "$D/tw/classifier-losses.csv"
}

# list RUN words...: pretraining on a list of pairs, without workers
list() {
    local run=$1
    shift
    trainer pretrain "$run" --pair-list "$D/pairs.tsv" "$@"
}

@test "a list of pairs: --steps K and on is the whole; a short last batch" {
    for i in $(seq 0 20); do printf '%d\t%d\n' $i $((2 * i)); done >"$D/pairs.tsv"
    list "$D/l1" --tensorboard "$D/l1"
    list "$D/l2" --tensorboard "$D/l2" --steps 5 --out "$D/five.safetensors"
    [ -n "$(ls "$D/l2" | grep checkpoint-pretrain-000000005)" ]
    list "$D/l2" --tensorboard "$D/l2"
    # no step twice, none lost: of the same length, for only the times differ
    local events=pretrain/events.out.tfevents.petrel
    [ "$(stat -c %s "$D/l1/$events")" = "$(stat -c %s "$D/l2/$events")" ]
    cmp "$D/l1/pretrained.safetensors" "$D/l2/pretrained.safetensors"
    run cmp -s "$D/five.safetensors" "$D/l2/pretrained.safetensors"
    [ "$status" = 1 ]
    [ "$(losses "$D/l1")" = "$(losses "$D/l2")" ]
    same[0]=--json
    run list "$D/l3" --epochs 2
    [[ "$output" == *"boxes/s, "*" % waiting for pairs"* ]]
    same[0]=--quiet
    list "$D/l3" --restart --epochs 1 --init "$D/five.safetensors"
    echo "5 99999" >>"$D/pairs.tsv"
    run list "$D/l4"
    [ "$status" = 65 ]
    [[ "$output" == *"names row 99999, but the cache has"* ]]
}

@test "a loss that is no number ends the run with what to try" {
    for i in $(seq 0 15); do printf '%d\t%d\n' $i $((i + 9)); done >"$D/pairs.tsv"
    run list "$D/n" --lr 100 --lars-trust 1 --weight-decay 1 --warmup 0 --epochs 60
    [ "$status" = 70 ]
    [[ "$output" == *"not a finite number"*"--clip-norm"* ]]
}

@test "--augment-on backend: what pairs draw is applied by the back end (cuda, emulated), to rounding the same" {
    part=$(realpath "$BIN/..")/tests/emu/petrel-cuda.so
    [ -f "$part" ] || skip "the emulated cuda back end is not built: make tests"
    export PETREL_CUDA=$part
    same+=(--set augmented_rate=1) few=(--backend cuda --steps 2)
    phase pretrain "$D/g1" 1 "${few[@]}"
    phase pretrain "$D/g2" 1 "${few[@]}" --augment-on backend
    phase pretrain "$D/g3" 2 "${few[@]}" --augment-on backend
    cmp "$D/g2/pretrained.safetensors" "$D/g3/pretrained.safetensors"
    ! cmp -s "$D/g1/pretrained.safetensors" "$D/g2/pretrained.safetensors"
    # the loss of the first step, from the same weights: 1e-5 of it at most, for a fused multiplication here and there
    paste -d, <(sed -n 2p "$D/g1/losses.csv") <(sed -n 2p "$D/g2/losses.csv") | awk -F, '{ d = $3 - $12; exit !(d < 1e-5 * $3 && d > -1e-5 * $3) }'
    run trainer pretrain "$D/g4" --backend cpu --augment-on backend
    [ "$status" = 69 ]
    [[ "$output" == *"'cpu' does not augment"*"--augment-on"* ]]
    run trainer classifier "$D/g5" --init "$D/g1/pretrained.safetensors" --augment-on backend
    [ "$status" = 64 ]
}
