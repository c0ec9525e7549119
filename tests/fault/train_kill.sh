#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# train_kill -- pretraining killed on its way (kill -9) ends in the bytes of one that nobody disturbed; and the report of it.
#   tests/fault/train_kill.sh [BUILD_DIR] [KILLS] [EPOCHS] [OUT] [words for the pipelines ...]
# 10 kills, 40 epochs of the paper's recipe (but its warm-up of 60: a tenth) on 30 patients of a simulated cohort,
# runs/train-kill; words such as --pairs-per-epoch=256.
# Kills fall evenly over the steps; with every other one a worker dies, too. Run again, it goes on. The small one, of
# seconds, is in tests/cli/train.bats.
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath -m "${1:-build}") kills=${2:-10} epochs=${3:-40} out=$(realpath -m "${4:-runs/train-kill}")
shift $(($# < 4 ? $# : 4))
words=("--epochs=$epochs" "--warmup=$((epochs / 10))" -j 2 "$@")
export PATH=$build/bin:$PATH
mkdir -p "$out" || exit 73
quietly() { "$@" >>"$out/log" 2>&1 || { tail -n 20 "$out/log" >&2; echo "train_kill: '$*' failed; the log is $out/log" >&2; exit 1; }; }

quietly petrel-simulate --quiet --out "$out/scans" --patients 30 --scale quick --seed 1 -j 2
quietly pipelines/rois.sh "$out/scans/scans.tsv" --out "$out/cache" -j 2
[ -e "$out/cache/splits.tsv" ] || quietly petrel-cache split "$out/cache" --seed 1

echo "$epochs epochs that nobody disturbs"
begun=$SECONDS
quietly pipelines/pretrain.sh --cache "$out/cache" --out "$out/whole" "${words[@]}"
steps=$(grep -c train "$out/whole/pretrain/losses.csv")
echo "    $steps steps, $((SECONDS - begun)) s"

rows() { cat "$out/killed/pretrain/losses.csv" 2>/dev/null | grep -c train; }
running() { pgrep -f -- "^petrel-$1 .*$2" | head -n 1; }
if [ ! -e "$out/killed/encoder.safetensors" ]; then
    echo "the same, killed $kills times"
    pipelines/pretrain.sh --cache "$out/cache" --out "$out/killed" "${words[@]}" >>"$out/log" 2>&1 &
    pipeline=$!
    trap 'kill "$pipeline" 2>/dev/null; exit 75' INT TERM
    done=0
    while [ $done -lt "$kills" ] && kill -0 $pipeline 2>/dev/null; do
        sleep 0.2
        [ "$(rows)" -ge $(((2 * done + 1) * steps / (2 * kills))) ] || continue
        trainer=$(running train "pretrain .*--run $out/killed/")
        [ -n "$trainer" ] || continue
        worker=
        [ $((done % 2)) = 0 ] || worker=$(running pairs "$out/cache")
        kill -9 "$trainer" $worker && done=$((done + 1))
        echo "    killed after $(rows) of $steps steps${worker:+, a worker with it}"
        while kill -0 "$trainer" 2>/dev/null; do sleep 0.1; done
    done
    wait $pipeline || { tail -n 20 "$out/log" >&2; echo "train_kill: the killed run did not end well; the log is $out/log" >&2; exit 1; }
    [ $done = "$kills" ] || { echo "train_kill: only $done kills fell before the end" >&2; exit 1; }
fi

same=yes
cmp "$out/whole/encoder.safetensors" "$out/killed/encoder.safetensors" || same=no
cmp <(cut -d, -f1-7,9 "$out/whole/pretrain/losses.csv") <(cut -d, -f1-7,9 "$out/killed/pretrain/losses.csv") || same=no
sha256sum "$out"/{whole,killed}/encoder.safetensors

quietly pipelines/classifier.sh --cache "$out/cache" --out "$out/killed" --model "$out/killed/encoder.safetensors" -j 2 \
    --classifier-epochs=40 --classifier-views=4 "$@"
quietly petrel-eval report --cache "$out/cache" --model "$out/killed/model.safetensors" --out "$out" \
    --run "$out/killed/pretrain" --run "$out/killed/classifier"
echo "train_kill: $kills kills in $epochs epochs, $steps steps: the same bytes: $same; the curves are in $out/report.html"
[ $same = yes ]
