# SPDX-License-Identifier: Apache-2.0
# every method: each learns, killed and resumed the same bytes; alone or by ranks; what is another method's is refused

load small

# every one there is but vicreg, which all other files of tests learn with
methods() { petrel-train --help | sed -n 's/.*--method vicreg|\([a-z0-9_|]*\).*/\1/p' | head -n 1 | tr '|' ' '; }

setup() {
    small_cache
    D=$BATS_FILE_TMPDIR
    small_recipe 2 >"$D/small.conf"
    cat >>"$D/small.conf" <<'END'
byol_hidden = 16
moco_queue = 64
swav_prototypes = 8
smog_groups = 12
smog_hidden = 16
smog_reset = 3
smog_bank = 64
dino_outputs = 32
END
    same=(--quiet --threads 1 --cache "$SMALL/cache" --recipe "$D/small.conf")
}

# what a method is given beside its name: crops and a queue for SwAV, slices for WSP
words() {
    case $1 in
    swav) echo --views 3 --swav-queue 16 --swav-queue-epochs 1 ;;
    wsp) echo --box-slices 5 ;;
    esac
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
header() { strings "$1" | head -n 1; }

@test "each method: columns named by its terms, a model that a classifier stands on; with and without position and semantic pairs" {
    for m in $(methods); do
        pretrain "$D/$m" --method $m $(words $m) || { cat "$D/$m.log"; false; }
        [[ "$(head -n 1 "$D/$m/losses.csv")" == epoch,step,loss,*,lr,seconds,set ]]
        [ "$(grep -c train "$D/$m/losses.csv")" = 8 ]
        ! grep -qE 'nan|inf' "$D/$m/losses.csv"
        header "$D/$m/pretrained.safetensors" | grep -q "method = $m"
        # what only learning needs is in no model file
        ! header "$D/$m/pretrained.safetensors" | grep -qE '"(predictor|prototypes|teacher|queue|bank|centre|groups)'
        pretrain "$D/plain-$m" --method $m $(words $m) --no-position --no-semantic --augmented-views all
        ! header "$D/plain-$m/pretrained.safetensors" | grep -q 'peb\.'
        ! cmp -s <(cut -d, -f3 "$D/$m/losses.csv") <(cut -d, -f3 "$D/plain-$m/losses.csv")
    done
    [ "$(head -n 1 "$D/byol/losses.csv")" = epoch,step,loss,view1,view2,lr,seconds,set ]
    [ "$(head -n 1 "$D/voco_supervised/losses.csv")" = epoch,step,loss,prediction,regularisation,class,lr,seconds,set ]
    [ "$(sed 1d "$D/simclr/losses.csv" | cut -d, -f3)" != "$(sed 1d "$D/supcon/losses.csv" | cut -d, -f3)" ]
}

@test "a classifier on slices: a model that eval asks about regions; supervised from scratch and fine-tuned, with and without PEB" {
    for c in byol wsp; do
        mkdir -p "$D/c$c"
        petrel-pairs "${same[@]}" $(words $c) --run "$D/c$c" --silence 1.5 2>/dev/null 3>&- &
        petrel-train classifier "${same[@]}" $(words $c) --run "$D/c$c" --init "$D/$c/pretrained.safetensors" 3>&-
        wait
    done
    petrel-eval report --quiet --cache "$SMALL/cache" --model "$D/cwsp/model.safetensors" --out "$D/eval" 3>&-
    "$TOP/pipelines/supervised.sh" --cache "$SMALL/cache" --out "$D/scratch" --recipe "$D/small.conf" -j 1 --seed 1 3>&-
    "$TOP/pipelines/supervised.sh" --cache "$SMALL/cache" --out "$D/plain" --recipe "$D/small.conf" -j 1 --no-position 3>&-
    "$TOP/pipelines/supervised.sh" --cache "$SMALL/cache" --out "$D/tuned" --recipe "$D/small.conf" -j 1 --model "$D/byol/pretrained.safetensors" 3>&-
    header "$D/scratch/model.safetensors" | grep -q '"peb.weight"'
    ! header "$D/plain/model.safetensors" | grep -q '"peb.weight"'
    ! cmp -s "$D/scratch/model.safetensors" "$D/tuned/model.safetensors"
}

@test "killed with -9 at a random step and run again: the same bytes of every method, teacher, queues, groups and centres included" {
    for m in $(methods); do
        mkdir -p "$D/k$m"
        petrel-pairs "${same[@]}" --method $m $(words $m) --run "$D/k$m" --silence 1.5 2>/dev/null 3>&- &
        petrel-train pretrain "${same[@]}" --method $m $(words $m) --run "$D/k$m" --checkpoint-s 0 --ahead 1 2>/dev/null 3>&- &
        trainer=$! after=$((2 + RANDOM % 6))
        for _ in $(seq 2000); do
            [ "$(cat "$D/k$m/losses.csv" 2>/dev/null | grep -c train)" -lt $after ] && kill -0 $trainer 2>/dev/null || break
            sleep 0.01
        done
        kill -9 $trainer 2>/dev/null || true
        wait $trainer || true
        checkpoint=$(find "$D/k$m" -name 'checkpoint-*' | tail -n 1) # none, if it was killed before the first
        if [ -n "$checkpoint" ]; then
            case $m in
            byol) header "$checkpoint" | grep -q 'teacher.projection.0.weight' ;;
            moco) header "$checkpoint" | grep -q '"queue_at"' ;;
            swav) header "$checkpoint" | grep -q 'momentum.prototypes.weight.*"queue1".*"queue2_at"' ;;
            smog) header "$checkpoint" | grep -q '"groups".*"bank"' ;;
            dino) header "$checkpoint" | grep -q 'teacher.prototypes.weight.*"centre"' ;;
            esac
        fi
        petrel-train pretrain "${same[@]}" --method $m $(words $m) --run "$D/k$m" 3>&-
        wait
        echo "$m: killed after $after steps"
        cmp "$D/$m/pretrained.safetensors" "$D/k$m/pretrained.safetensors"
        cmp "$D/$m/pretrain-last.safetensors" "$D/k$m/pretrain-last.safetensors"
    done
}

@test "any number of workers, one of them killed: the same bytes with crops, and with octants" {
    for m in dino voco; do
        mkdir -p "$D/j$m"
        petrel-pairs "${same[@]}" --method $m --run "$D/j$m" --silence 1.5 -j 3 2>/dev/null 3>&- &
        petrel-pairs "${same[@]}" --method $m --run "$D/j$m" --silence 1.5 2>/dev/null 3>&- &
        (sleep 0.3; kill -9 $! 2>/dev/null || true) 3>&- &
        petrel-train pretrain "${same[@]}" --method $m --run "$D/j$m" --ahead 3 3>&-
        wait
        cmp "$D/$m/pretrained.safetensors" "$D/j$m/pretrained.safetensors"
    done
}

@test "every recipe of a method learns to the end" {
    for f in "$TOP"/pipelines/recipes/methods/*.conf; do
        m=$(basename "$f" .conf)
        { cat "$f"; grep -vE '^recipe_name' "$D/small.conf"; } >"$D/$m.conf"
        run=$D/recipe-$m
        case $m in
        supervised) "$TOP/pipelines/supervised.sh" --cache "$SMALL/cache" --out "$run" --recipe "$D/$m.conf" -j 1 3>&- ;;
        *)
            mkdir -p "$run"
            petrel-pairs --quiet --cache "$SMALL/cache" --recipe "$D/$m.conf" --run "$run" --silence 1.5 2>/dev/null 3>&- &
            petrel-train pretrain --quiet --threads 1 --cache "$SMALL/cache" --recipe "$D/$m.conf" --run "$run" --steps 4 3>&-
            wait
            header "$run/pretrained.safetensors" | grep -q "method = $m"
            ;;
        esac
    done
}

@test "another optimiser learns, and otherwise" {
    for o in sgd adamw; do
        pretrain "$D/$o" --optimiser $o --lr 0.001 || { cat "$D/$o.log"; false; }
        ! grep -qE 'nan|inf' "$D/$o/losses.csv"
    done
    ! cmp -s "$D/sgd/pretrained.safetensors" "$D/adamw/pretrained.safetensors"
}

@test "refused by name: an unknown method, another method's setting, a run of another method, what a batch is too small for" {
    refused() { # CODE WORDS...: what the trainer says of them
        run petrel-train pretrain "${same[@]}" --run "$D/x" "${@:2}"
        [ "$status" = "$1" ] || { echo "$status: $output"; false; }
    }
    refused 64 --method sinclair
    [[ "$output" == *"'sinclair'"*"vicreg|simclr|"*"|wsp"* ]]
    refused 64 --method simclr --vicreg-variance 3
    [[ "$output" == *"--vicreg-variance is a setting of the method vicreg, and the method is simclr"* ]]
    refused 64 --method swav --dino-centre 0.5
    [[ "$output" == *"--dino-centre is a setting of the method dino, and the method is swav"* ]]
    run petrel-train pretrain "${same[@]}" --run "$D/byol" --method moco
    [ "$status" = 64 ]
    [[ "$output" == *"'method = byol' there, 'method = moco' here"* ]]
    refused 78 --method moco --moco-queue 15
    [[ "$output" == *"moco_queue 15 holds not even one batch's 16 keys"* ]]
    refused 78 --method swav --swav-queue 7
    [[ "$output" == *"swav_queue 7 holds not even one batch's 8 pairs"* ]]
    refused 78 --method smog --smog-groups 300
    [[ "$output" == *"smog_bank 64 and smog_reset 3 gather too few of a batch's 16 rows for smog_groups 300: raise them, or lower"* ]]
    refused 78 --method voco --views 8
    [[ "$output" == *"voco takes 9 to 32 views, and views is 8"* ]]
    refused 78 --method vicreg --views 3
    [[ "$output" == *"vicreg takes 2 to 2 views"* ]]
    refused 78 --local-crop 9,4
    [[ "$output" == *"local_crop has to be two whole numbers of voxels, the lower first"* ]]
    printf '0\t1\n2\t3\n' >"$D/pairs.tsv"
    refused 64 --method dino --pair-list "$D/pairs.tsv"
    [[ "$output" == *"--pair-list gives two views of a pair, and dino takes 4"* ]]
}

@test "embeddings that collapse, and a loss that is no number, end the run with what to try" {
    # every spread is under 1: whatever is learned counts as collapsed
    for m in simclr dino smog; do
        run pretrain "$D/flat-$m" --method $m --collapse-floor 1 --collapse-steps 3
        [ "$status" = 70 ]
        grep -q 'the embeddings have collapsed: for 3 steps.*try a lower --lr' "$D/flat-$m.log"
        run pretrain "$D/wild-$m" --method $m --optimiser sgd --lr 1000 --weight-decay 1 --warmup 0 --collapse-floor 0
        [ "$status" = 70 ]
        grep -q 'the loss is not a finite number.*try a lower --lr' "$D/wild-$m.log"
    done
    pretrain "$D/round" --method simclr --collapse-floor 0 --collapse-steps 1
}
