# SPDX-License-Identifier: Apache-2.0
# against other people's software, as tests/peers.sh installs it: MONAI, onnxruntime, TensorBoard, Lightly, PyTorch.
# Skipped, and why is said, where that could not be installed.
bats_require_minimum_version 1.5.0
load small

setup_file() {
    export PETREL_PEERS=${PETREL_PEERS:-$TOP/build/peers}
    [ ! -x "$PETREL_PEERS/bin/python" ] || { small_cache && small_ct; }
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    [[ $BIN != */build-[at]san/* ]] || skip "compared in the build without sanitizers"
    local why="tests/peers.sh was not run: it installs them in build/peers"
    [ ! -e "$PETREL_PEERS.missing" ] || why=$(<"$PETREL_PEERS.missing")
    [ ! -e "$PETREL_PEERS.missing" ] && [ -x "$PETREL_PEERS/bin/python" ] || skip "$why"
}

# peer SCRIPT words...: it says what it found, and leaves with 0
peer() {
    MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_MMAP_THRESHOLD_=4294967296 \
        "$PETREL_PEERS/bin/python" -W ignore "$TOP/tests/golden/$1" "${@:2}"
}

@test "MONAI 1.0.1: our backbone in theirs and theirs in ours, strict=True, the same embeddings to 1e-5" {
    peer train/monai_strict.py "$SMALL/cache" 1,2,2
}

@test "README's lines for MONAI, as they stand there, with 1.0.1 and 1.3.2" {
    for i in 0 1 2 3 4 5 6 7; do printf '%d\t%d\n' $i $((i + 8)); done >pairs.tsv
    petrel-train pretrain --quiet --cache "$SMALL/cache" --pair-list pairs.tsv --batch 8 --steps 1 --run run --out model.safetensors
    sed -n '/^```python/,/^```$/p' "$TOP/README.md" | sed '1d;$d' >lines.py
    [ "$(wc -l <lines.py)" -gt 5 ]
    PYTHONPATH=$PETREL_PEERS/newer "$PETREL_PEERS/bin/python" -W ignore lines.py
    "$PETREL_PEERS/bin/python" -W ignore lines.py
}

@test "MONAI 1.3.2: the same; a stem of stride 1,1,1, as Med3D's weights have it, is fine-tuned" {
    PYTHONPATH=$PETREL_PEERS/newer peer train/monai_strict.py "$SMALL/cache" 1,1,1
}

@test "MONAI, PyTorch: every backbone's weights in ours and ours in theirs, strict=True, to 1e-5; as ONNX to 1e-4" {
    peer nets/both_ways.py "$SMALL/cache"
}

@test "onnxruntime: the paper's backbone, PEB and classifier as ONNX, to 1e-4" {
    peer train/onnx_check.py "$SMALL/cache"
}

@test "TensorBoard opens the event files of both phases; the numbers of losses.csv" {
    small_recipe 3 >small.conf
    "$TOP/pipelines/train.sh" --cache "$SMALL/cache" --out model --recipe small.conf -j 2 --tensorboard events
    peer train/tensorboard_check.py events/pretrain model/pretrain/losses.csv
    peer train/tensorboard_check.py events/classifier model/classifier/classifier-losses.csv
}

@test "Lightly's VICRegLoss is what the golden file has: loss and gradient to 1e-6" {
    peer ops/lightly_check.py
}

@test "Lightly and the published equations: every method's golden run of ten steps is what its script makes" {
    peer methods/make.py --check
}

@test "PyTorch: every gradient of a step of the whole network to 1e-4, and two steps follow its float64" {
    peer train/compare_full.py "$SMALL/cache"
}

@test "PyTorch and onnxruntime: the same of boxes of PET and CT" {
    peer train/compare_full.py "$SMALL/ct/cache"
    peer train/onnx_check.py "$SMALL/ct/cache"
}

@test "onnxruntime: late fusion with some parts of the position" {
    { small_recipe 1 && printf 'channels = pet,ct\nfusion = late\nposition_parts = centroid,rotation\n'; } >late.conf
    "$TOP/pipelines/train.sh" --cache "$SMALL/ct/cache" --recipe late.conf --out late -j 1
    peer train/onnx_check.py "$SMALL/ct/cache" late/model.safetensors
}
