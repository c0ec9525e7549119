# SPDX-License-Identifier: Apache-2.0
# every backbone from the command line: trained by whole programs, answered with, exported; refused by name
bats_require_minimum_version 1.5.0
load small

setup() {
    small_cache
    D=$BATS_FILE_TMPDIR
    small_recipe 1 >"$D/small.conf"
    sed -i '/^backbone/d' "$D/small.conf"
    for i in $(seq 0 15); do printf '%d\t%d\n' "$i" $((i + 16)); done >"$D/pairs.tsv"
    same=(--quiet --recipe "$D/small.conf")
}

# as narrow as they can be
narrow() {
    case $1 in
    resnet*) echo --backbone-width 2 ;;
    seresnet50) echo --backbone-width 4 ;;
    efficientnet_b0) echo --efficientnet-width 0.25 ;;
    vit) echo --vit-width 24 --vit-layers 2 --vit-heads 3 --vit-mlp 40 --vit-dropout 0.1 ;;
    cnn_var | alexnet) echo --no-position ;; # their embeddings are thousands wide
    densenet) echo --densenet-blocks 2,3,2 --densenet-growth 4 --densenet-width 8 ;;
    esac
}
backbones() { petrel-train --help | sed -n 's/.*--backbone \([a-z0-9_|]*\).*/\1/p' | head -n 1 | tr '|' ' '; }
# words_of RUN words...: the trainer's, in ${trains[@]}; $steps of them, 2
words_of() {
    trains=(petrel-train pretrain "${same[@]}" --cache "$SMALL/cache" --pair-list "$D/pairs.tsv" --steps "${steps:-2}" --run "$1" --out "$1/model" "${@:2}")
}
pretrain() { words_of "$@" && "${trains[@]}"; }

@test "each backbone: two steps by one thread and by two to the same bytes, PEB and all; regions answered; ONNX and compact files" {
    [ "$(backbones | wc -w)" -gt 8 ]
    for b in $(backbones); do
        read -ra words <<<"$(narrow "$b")"
        pretrain "$D/$b" --backbone "$b" "${words[@]}" --threads 1
        pretrain "$D/two" --restart --backbone "$b" "${words[@]}" --threads 2
        cmp "$D/$b/model" "$D/two/model"
        ! grep -qE 'nan|inf' "$D/$b/losses.csv"
        petrel-train export --quiet --init "$D/$b/model" --onnx "$D/$b/onnx" --compact "$D/$b/compact"
        [ -s "$D/$b/onnx" ]
        [[ $b = efficientnet_b0 || $b = seresnet50 ]] || continue
        petrel-eval embed --quiet --cache "$SMALL/cache" --model "$D/$b/model" --split test --out "$D/$b/a.tsv"
        petrel-eval embed --quiet --cache "$SMALL/cache" --model "$D/$b/compact" --split test --out "$D/$b/b.tsv"
        cmp <(grep -v '^#' "$D/$b/a.tsv") <(grep -v '^#' "$D/$b/b.tsv")
    done
}

@test "each backbone's recipe, narrow: killed with -9 at a random step and run again, the same bytes" {
    killed=0 steps=8
    for b in $(backbones); do
        read -ra words <<<"$(narrow "$b")"
        { cat "$TOP/pipelines/recipes/backbones/$b.conf"; grep -v '^recipe_name' "$D/small.conf"; } >"$D/$b.conf"
        same=(--quiet --recipe "$D/$b.conf" --threads 1)
        pretrain "$D/whole-$b" "${words[@]}"
        words_of "$D/killed-$b" "${words[@]}" --checkpoint-s 0
        "${trains[@]}" 2>/dev/null 3>&- &
        trainer=$! after=$((1 + RANDOM % 6))
        for _ in $(seq 2000); do
            [ "$(cat "$D/killed-$b/losses.csv" 2>/dev/null | grep -c train)" -lt $after ] && kill -0 $trainer 2>/dev/null || break
            sleep 0.005
        done
        kill -9 $trainer 2>/dev/null && killed=$((killed + 1))
        wait $trainer || true
        echo "$b: to be killed after $after steps"
        pretrain "$D/killed-$b" "${words[@]}"
        cmp "$D/whole-$b/model" "$D/killed-$b/model"
        cmp "$D/whole-$b/pretrain-last.safetensors" "$D/killed-$b/pretrain-last.safetensors"
    done
    echo "$killed were killed before they ended"
    [ $killed -ge 3 ]
}

@test "what describe counts is what is written" {
    for b in $(backbones); do
        read -ra words <<<"$(narrow "$b")"
        counted=$(petrel-train describe --recipe "$D/small.conf" --backbone "$b" "${words[@]}" | sed -n 's/^backbone *\([0-9,]*\) parameters.*/\1/p' | tr -d ,)
        written=$(safetensors "$D/$b/model" - count backbone.)
        [ "$counted" = "$written" ] || { echo "$b: $counted described, $written written"; false; }
    done
}

@test "refused by name: an unknown backbone, another's setting, a box it cannot take, a model file of another" {
    run petrel-train describe --backbone vgg
    [ "$status" = 64 ]
    [[ "$output" == *"'vgg'"*"resnet10|resnet18"*"|vit|"* ]]
    run petrel-train describe --backbone resnet18 --vit-patch 4
    [ "$status" = 64 ]
    [[ "$output" == *"--vit-patch is a setting of the backbone vit, and the backbone is resnet18: leave it out, or give --backbone vit"* ]]
    run petrel-train describe --backbone vit --backbone-width 4
    [ "$status" = 64 ]
    [[ "$output" == *"a setting of the backbones resnet10, resnet18, "*", and the backbone is vit"* ]]
    run petrel-train describe --backbone vit --vit-patch 5
    [ "$status" = 78 ]
    [[ "$output" == *"vit_patch 5 does not divide the box's side 16"* ]]
    run petrel-train describe --backbone densenet --densenet-blocks 2,2,2,2
    [ "$status" = 78 ]
    [[ "$output" == *"densenet_blocks has 4 blocks, but a box of side 16 cannot be halved so often"* ]]
    run pretrain "$D/x" --backbone resnet10 --backbone-width 2 --init "$D/vit/model"
    [ "$status" = 78 ]
    [[ "$output" == *"was pretrained with backbone = vit, but it is resnet10 now"* ]]
}
