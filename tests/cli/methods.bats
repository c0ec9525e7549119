# SPDX-License-Identifier: Apache-2.0
# methods of pretraining other than VICReg: each learns, killed and resumed the same bytes; what is another method's is refused

load small
METHODS="simclr byol moco supcon swav"

setup() {
    small_cache
    D=$BATS_FILE_TMPDIR
    small_recipe 2 >"$D/small.conf"
    printf 'byol_hidden = 16\nmoco_queue = 64\nswav_prototypes = 8\n' >>"$D/small.conf"
    same=(--quiet --threads 1 --cache "$SMALL/cache" --recipe "$D/small.conf")
}

# pretrain RUN words...: the trainer with a worker beside it; its exit code
pretrain() {
    local run=$1 code
    shift
    mkdir -p "$run"
    petrel-pairs "${same[@]}" --run "$run" --silence 1.5 "$@" 2>"$run.pairs" 3>&- &
    petrel-train pretrain "${same[@]}" --run "$run" "$@" >"$run.log" 2>&1 3>&- && code=0 || code=$?
    wait
    return $code
}

@test "each method: columns named by its terms, a model that a classifier stands on; with and without position and semantic pairs" {
    for m in $METHODS; do
        pretrain "$D/$m" --method $m || { cat "$D/$m.log"; false; }
        [[ "$(head -n 1 "$D/$m/losses.csv")" == epoch,step,loss,*,lr,seconds,set ]]
        [ "$(grep -c train "$D/$m/losses.csv")" = 8 ]
        ! grep -qE 'nan|inf' "$D/$m/losses.csv"
        strings "$D/$m/pretrained.safetensors" | head -n 1 | grep -q "method = $m"
        # what only learning needs is in no model file
        ! strings "$D/$m/pretrained.safetensors" | head -n 1 | grep -qE 'predictor|prototypes|teacher|queue'
    done
    [ "$(head -n 1 "$D/byol/losses.csv")" = epoch,step,loss,view1,view2,lr,seconds,set ]
    [ "$(sed 1d "$D/simclr/losses.csv" | cut -d, -f3)" != "$(sed 1d "$D/supcon/losses.csv" | cut -d, -f3)" ]
    mkdir -p "$D/c"
    petrel-pairs "${same[@]}" --run "$D/c" --silence 1.5 2>/dev/null 3>&- &
    petrel-train classifier "${same[@]}" --run "$D/c" --init "$D/byol/pretrained.safetensors" 3>&-
    wait
    pretrain "$D/plain" --method moco --no-position --no-semantic
    ! strings "$D/plain/pretrained.safetensors" | head -n 1 | grep -q 'peb\.'
}

@test "killed with -9 after a few steps and run again: the same bytes, teacher, queue and prototypes included" {
    for m in byol moco swav; do
        mkdir -p "$D/k$m"
        petrel-pairs "${same[@]}" --method $m --run "$D/k$m" --silence 1.5 2>/dev/null 3>&- &
        petrel-train pretrain "${same[@]}" --method $m --run "$D/k$m" --checkpoint-s 0 --ahead 1 2>/dev/null 3>&- &
        trainer=$!
        for _ in $(seq 400); do
            [ "$(cat "$D/k$m/losses.csv" 2>/dev/null | grep -c train)" -lt 3 ] || break
            sleep 0.01
        done
        kill -9 $trainer 2>/dev/null || true
        wait $trainer || true
        if [ ! -e "$D/k$m/pretrain.done" ]; then
            checkpoint=$(ls "$D/k$m"/checkpoint-* | tail -n 1)
            case $m in
            byol) strings "$checkpoint" | head -n 1 | grep -q 'teacher.projection.0.weight' ;;
            moco) strings "$checkpoint" | head -n 1 | grep -q '"queue_at"' ;;
            swav) strings "$checkpoint" | head -n 1 | grep -q 'momentum.prototypes.weight' ;;
            esac
        fi
        petrel-train pretrain "${same[@]}" --method $m --run "$D/k$m" 3>&-
        wait
        cmp "$D/$m/pretrained.safetensors" "$D/k$m/pretrained.safetensors"
        cmp "$D/$m/pretrain-last.safetensors" "$D/k$m/pretrain-last.safetensors"
    done
}

@test "another optimiser learns, and otherwise" {
    for o in sgd adamw; do
        pretrain "$D/$o" --optimiser $o --lr 0.001 || { cat "$D/$o.log"; false; }
        ! grep -qE 'nan|inf' "$D/$o/losses.csv"
    done
    ! cmp -s "$D/sgd/pretrained.safetensors" "$D/adamw/pretrained.safetensors"
}

@test "refused by name: an unknown method, another method's setting, a run of another method, a bank smaller than a batch" {
    run petrel-train pretrain "${same[@]}" --run "$D/x" --method sinclair
    [ "$status" = 64 ]
    [[ "$output" == *"'sinclair'"*"vicreg|simclr"* ]]
    run petrel-train pretrain "${same[@]}" --run "$D/x" --method simclr --vicreg-variance 3
    [ "$status" = 64 ]
    [[ "$output" == *"--vicreg-variance is a setting of the method vicreg, and the method is simclr"* ]]
    run petrel-train pretrain "${same[@]}" --run "$D/byol" --method moco
    [ "$status" = 64 ]
    [[ "$output" == *"'method = byol' there, 'method = moco' here"* ]]
    run petrel-train pretrain "${same[@]}" --run "$D/x" --method moco --moco-queue 15
    [ "$status" = 78 ]
    [[ "$output" == *"moco_queue 15 holds not even one batch's 16 keys"* ]]
}

@test "embeddings that collapse end the run with what to try" {
    # every spread is under 1: whatever is learned counts as collapsed
    run pretrain "$D/flat" --method simclr --collapse-floor 1 --collapse-steps 3
    [ "$status" = 70 ]
    grep -q 'the embeddings have collapsed: for 3 steps.*try a lower --lr' "$D/flat.log"
    pretrain "$D/round" --method simclr --collapse-floor 0 --collapse-steps 1
}
