# SPDX-License-Identifier: Apache-2.0
# where a region lies: which parts of its position the PEB sees, and in which of the two phases there is a PEB
bats_require_minimum_version 1.5.0
load small

setup() {
    small_cache
    D=$BATS_FILE_TMPDIR
    small_recipe 1 >"$D/small.conf"
    both=()
    same=(--quiet --threads 1 --cache "$SMALL/cache" --recipe "$D/small.conf")
}

# phase PHASE RUN words...: the trainer with a worker beside it, which knows the recipe and ${both[@]} alone; its exit code
phase() {
    local what=$1 run=$D/$2 code
    shift 2
    mkdir -p "$run"
    petrel-pairs "${same[@]}" --run "$run" --silence 1.5 "${both[@]}" >"$run.pairs" 2>&1 3>&- &
    petrel-train "$what" "${same[@]}" --run "$run" "${both[@]}" "$@" >"$run.log" 2>&1 3>&- && code=0 || code=$?
    wait
    [ $code = 0 ] || cat "$run.log" >&2
    return $code
}
# shape MODEL TENSOR: "16,6"
shape() { safetensors "$1" - shape "$2"; }
# what a model says of the test patients
report() { petrel-eval report --cache "$SMALL/cache" --model "$1" --out "$2" --quiet; }

@test "parts of the position: the PEB is as wide as they are, its own classifier, report and ONNX; others are refused by name" {
    phase pretrain two --position-parts centroid,rotation
    [ "$(shape "$D/two/pretrained.safetensors" peb.weight)" = 1,6 ]
    [ "$(shape "$D/two/pretrained.safetensors" peb.position.weight)" = 32,6 ]
    phase pretrain one --position-parts size
    [ "$(shape "$D/one/pretrained.safetensors" peb.weight)" = 1,3 ]
    # the order in which they are named says nothing
    phase classifier two-c --position-parts rotation,centroid --init "$D/two/pretrained.safetensors"
    report "$D/two-c/model.safetensors" "$D/two-c/report"
    petrel-classify --model "$D/two-c/model.safetensors" "$(small_scan 1)" --out "$D/two-c/scan" --quiet
    petrel-train export --quiet --init "$D/two-c/model.safetensors" --onnx "$D/two-c/model.onnx"
    strings "$D/two-c/model.onnx" | grep -q Slice

    run -78 phase classifier other --init "$D/two/pretrained.safetensors"
    [[ $output == *"was pretrained with position-parts = centroid,rotation, but it is centroid,size,rotation now"* ]]
    run -78 phase pretrain again --position-parts centroid --init "$D/two/pretrained.safetensors"
    [[ $output == *"position-parts = centroid,rotation, but it is centroid now"* ]]
    run -78 petrel-train describe --position-parts centroid,centre
    [[ $output == *"position_parts names 'centre'"*"centroid,size,rotation"* ]]
    run -78 petrel-train describe --position-parts size,size
    [[ $output == *"twice"* ]]
    run -78 petrel-train describe --position-parts ""
    [[ $output == *"position = no"* ]]
    run -0 petrel-train describe --position-parts centroid,size
    [[ $output == *"PEB of centroid,size"* && $output == *"38,937,414 parameters with PEB"* ]] # 38,938,953 - 3 - 3 x 512
}

@test "a PEB in pretraining, in the classifier, in both or in neither: what the model holds, report, classify, ONNX, and killed with -9 the same bytes" {
    phase pretrain with
    phase pretrain without --no-position
    phase classifier both --init "$D/with/pretrained.safetensors"
    phase classifier rep --classifier-position no --init "$D/with/pretrained.safetensors"
    phase classifier clf --no-position --classifier-position yes --init "$D/without/pretrained.safetensors"
    phase classifier none --no-position --init "$D/without/pretrained.safetensors"
    for c in both rep clf none; do
        wide=$(shape "$D/$c/model.safetensors" peb.mix.weight)
        [ "$wide" = "$([ $c = both ] || [ $c = clf ] && echo 32,64 || true)" ]
        report "$D/$c/model.safetensors" "$D/$c/report" >"$D/$c/report.txt"
        petrel-classify --quiet --model "$D/$c/model.safetensors" "$(small_scan 1)" --out "$D/$c/scan"
        [ -e "$D/$c"/scan/*/regions.tsv ]
        petrel-train export --quiet --init "$D/$c/model.safetensors" --onnx "$D/$c/model.onnx" --compact "$D/$c/compact.safetensors"
        strings "$D/$c/model.onnx" | grep -q '^position$' && has=yes || has=no
        [ $has = "$([ -n "$wide" ] && echo yes || echo no)" ]
        report "$D/$c/compact.safetensors" "$D/$c/report2" >/dev/null
        cmp "$D/$c/report/predictions.tsv" "$D/$c/report2/predictions.tsv"
    done
    grep -q 'position in pretraining alone' "$D/rep/report.txt"
    grep -q 'position in the classifier alone' "$D/clf/report.txt"
    # the frozen backbone is pretraining's in all; a PEB of both is pretraining's too, one of the classifier alone has learned
    same_tensor both with backbone.layer4.0.conv1.weight peb.mix.weight projection.0.weight
    same_tensor rep with backbone.layer4.0.conv1.weight
    same_tensor clf without backbone.layer4.0.conv1.weight
    [ -z "$(shape "$D/rep/model.safetensors" projection.0.weight)" ]
    phase classifier still --no-position --classifier-position yes --init "$D/without/pretrained.safetensors" --classifier-lr 0 --classifier-weight-decay 0
    run -1 same_tensor clf still/model peb.weight # it has learned
    run -1 same_tensor clf still/model peb.mix.weight

    run -78 phase classifier refused --init "$D/without/pretrained.safetensors"
    [[ $output == *"position = no, but it is yes now"*"--no-position --classifier-position yes"* ]]
    run -78 phase classifier refused2 --no-position --init "$D/with/pretrained.safetensors"
    [[ $output == *"position = yes, but it is no now"*"--classifier-position no"* ]]

    mkdir -p "$D/killed"
    words=(--no-position --classifier-position yes --init "$D/without/pretrained.safetensors")
    petrel-pairs "${same[@]}" --run "$D/killed" --silence 1.5 >/dev/null 2>&1 3>&- &
    petrel-train classifier "${same[@]}" --run "$D/killed" "${words[@]}" --checkpoint-s 0 --ahead 1 2>/dev/null 3>&- &
    trainer=$!
    for _ in $(seq 400); do
        [ "$(cat "$D/killed/classifier-losses.csv" 2>/dev/null | grep -c train)" -lt 5 ] || break
        sleep 0.01
    done
    kill -9 $trainer 2>/dev/null || true
    wait $trainer || true
    petrel-train classifier "${same[@]}" --run "$D/killed" "${words[@]}" 3>&-
    wait
    cmp "$D/clf/model.safetensors" "$D/killed/model.safetensors"
    cmp "$D/clf/classifier-last.safetensors" "$D/killed/classifier-last.safetensors"
}
# same_tensor RUN RUN[/FILE] TENSOR...
same_tensor() {
    local one=$D/$1/model.safetensors other=$2
    [[ $other == */* ]] && other=$D/$other.safetensors || other=$D/$other/pretrained.safetensors
    shift 2
    for tensor in "$@"; do
        [ "$(safetensors "$one" - sum "$tensor")" = "$(safetensors "$other" - sum "$tensor")" ] || return 1
    done
}
