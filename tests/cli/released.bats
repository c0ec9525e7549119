# SPDX-License-Identifier: Apache-2.0
# what the authors' released code does, setting by setting: it trains, resumes, and does what its row says
bats_require_minimum_version 1.5.0
load small

setup() {
    small_model
    D=$BATS_FILE_TMPDIR
    cd "$D" || return 1
    small_recipe 2 >own.conf
    # as released, as far as a cache of other regions and a minute allow
    cat >>own.conf <<'END'
distinct_pairs = yes
whole_batches = yes
validation_pairs = 20
validation_anew = yes
classifier_batch = 16
classifier_views = 0
classifier_tumours = 40
classifier_others = 55
classifier_augment = tumours
classifier_redraw_epochs = 2
classifier_validation_augmented = yes
classifier_best = f1
END
    same=(--quiet --threads 1 --cache "$SMALL/cache" --recipe own.conf)
}

# phase PHASE RUN words...: the trainer with a worker beside it
phase() {
    local what=$1 run=$2 code
    shift 2
    mkdir -p "$run"
    petrel-pairs "${same[@]}" --run "$run" --silence 1.5 >"$run.pairs" 2>&1 3>&- &
    petrel-train "$what" "${same[@]}" --run "$run" "$@" >"$run.log" 2>&1 3>&- && code=0 || code=$?
    wait
    [ $code = 0 ] || cat "$run.log" >&2
    return $code
}
tensor() { safetensors "$1" - sum "$2"; }

@test "petrel-train settings released: each fact of the code that is followed, and each that is not, with its setting" {
    petrel-train settings released >released.conf
    cmp released.conf "$TOP/pipelines/recipes/released.conf"
    for fact in "box_centre = truncate" "border = touch" "distinct_pairs = yes" "whole_batches = yes" "validation_pairs = 1000" \
        "validation_anew = yes" "redraw_epochs = 800" "epochs = 799" "classifier_augment = tumours" "classifier_redraw_epochs = 400" \
        "classifier_validation_augmented = yes" "classifier_best = f1"; do
        grep -q "^$fact  *# R" released.conf || { echo "$fact"; false; }
    done
    grep -q '^classifier_encoder = pretrained .*stays random; not reproduced (random)' released.conf
    grep -q '^classifier_norm = running .*drift; not reproduced (batch)' released.conf
    grep -q '^peb_norm = l2 .*sign is not reproduced' released.conf
    grep -q '^focal_on = logits .*focal_on = softmax' released.conf
    grep -q '^schedule_length = 2812.5 .*not reproduced' released.conf
}

@test "both phases as released: whole batches alone, the best epoch by F1, and its own word for it" {
    phase pretrain encoder
    [ "$(awk -F, '$NF == "train"' encoder/losses.csv | wc -l)" = 8 ] # 2 epochs of 32 pairs in batches of 8
    [ "$(awk -F, '$NF == "validation"' encoder/losses.csv | wc -l)" = 2 ]
    mkdir -p model
    petrel-pairs "${same[@]}" --run model --silence 1.5 >/dev/null 2>&1 3>&- &
    petrel-train classifier --threads 1 --cache "$SMALL/cache" --recipe own.conf --run model --init encoder/pretrained.safetensors --tensorboard board 2>model.txt 3>&-
    wait
    grep -q 'lowest 1 - mean F1 of validation batches [01]' model.txt
    [ "$(awk -F, '$NF == "train"' model/classifier-losses.csv | wc -l)" = 15 ] # 3 epochs of 95 boxes: five whole batches of 16
    grep -rq 'validation/f1' board
}

@test "a frozen encoder's norms by each batch: they move and its weights do not; killed with -9 the same bytes" {
    words=(--classifier-norm batch --init "$SMALL/model/encoder.safetensors")
    phase classifier batch "${words[@]}"
    [ "$(tensor batch/model.safetensors backbone.bn1.running_mean)" != "$(tensor "$SMALL/model/encoder.safetensors" backbone.bn1.running_mean)" ]
    [ "$(tensor batch/model.safetensors backbone.bn1.num_batches_tracked)" != "$(tensor "$SMALL/model/encoder.safetensors" backbone.bn1.num_batches_tracked)" ]
    [ "$(tensor batch/model.safetensors backbone.conv1.weight)" = "$(tensor "$SMALL/model/encoder.safetensors" backbone.conv1.weight)" ]
    [ "$(tensor batch/model.safetensors peb.mix.weight)" = "$(tensor "$SMALL/model/encoder.safetensors" peb.mix.weight)" ]

    mkdir -p killed
    petrel-pairs "${same[@]}" --run killed --silence 1.5 >/dev/null 2>&1 3>&- &
    petrel-train classifier "${same[@]}" --run killed "${words[@]}" --checkpoint-s 0 --ahead 1 2>/dev/null 3>&- &
    trainer=$!
    for _ in $(seq 400); do
        [ "$(cat killed/classifier-losses.csv 2>/dev/null | grep -c train)" -lt 7 ] || break
        sleep 0.01
    done
    kill -9 $trainer 2>/dev/null || true
    wait $trainer || true
    petrel-train classifier "${same[@]}" --run killed "${words[@]}" 3>&-
    wait
    cmp batch/model.safetensors killed/model.safetensors
    cmp batch/classifier-last.safetensors killed/classifier-last.safetensors

    run -78 petrel-train describe --classifier-norm batch
    [[ $output == *"whole_batches = yes"* ]]
}

@test "a random encoder: what --init says of it is not read; its seed is the run's" {
    phase classifier random --classifier-encoder random --init "$SMALL/model/encoder.safetensors"
    [ "$(tensor random/model.safetensors backbone.conv1.weight)" != "$(tensor "$SMALL/model/encoder.safetensors" backbone.conv1.weight)" ]
    [ "$(tensor random/model.safetensors peb.mix.weight)" != "$(tensor "$SMALL/model/encoder.safetensors" peb.mix.weight)" ]
    [ -z "$(safetensors random/model.safetensors - shape projection.0.weight)" ]
    petrel-eval report --quiet --cache "$SMALL/cache" --model random/model.safetensors --out random/report >/dev/null
}
