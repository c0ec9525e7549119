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
    strings "$D/two-c/model.onnx" | grep -q 'peb.numbers'

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
