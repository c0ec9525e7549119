#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# demo -- everything, on a simulated cohort: simulate, rois, split, train with and without position, report
#   pipelines/demo.sh [--out runs/demo] [--patients N] [-j N] [--seed N] [--recipe FILE]
here=$(dirname "$0")
. "$here/lib.sh"
. "$here/arguments.sh"
takes "[--out runs/demo] [--patients N] [-j N] [--seed N] [--recipe FILE]" out patients j recipe
passes simulate petrel-simulate -- scale
passes rois "$here/rois.sh" -- run ct
passes split petrel-cache split -- run in credits silence force
passes train "$here/train.sh" -- cache
passes report petrel-eval report -- run cache model split
arguments "$@"
out=${out:-runs/demo} patients=${patients:-60} recipe=${chosen_recipe:-$here/recipes/demo.conf}
same=(-j "$jobs" --recipe "$recipe")
say() { printf '\n\033[1m%s\033[0m\n' "$*" >&2; }
step() { run_step "$@" || { rc=$?; [ $rc = 65 ] || exit $rc; }; } # 65: some scan was refused; it has been listed, the rest goes on

mkdir -p "$out" || exit 73
say "1/6 simulate: $patients patients of a simulated cohort"
step petrel-simulate --out "$out/scans" --patients "$patients" --scale quick -j "$jobs" "${words_simulate[@]}"
say "2/6 regions: load, suv, roi, cache"
step "$here/rois.sh" "$out/scans/scans.tsv" --out "$out/cache" "${same[@]}" "${words_rois[@]}"
step petrel-cache split "$out/cache" "${words_split[@]}"
say "3/6 train with position: pretraining, then the classifier"
step "$here/train.sh" --cache "$out/cache" --out "$out/position" "${same[@]}" "${words_train[@]}"
say "4/6 train without position (the ablation)"
step "$here/train.sh" --cache "$out/cache" --out "$out/no-position" "${same[@]}" "${words_train[@]}" --no-position
say "5/6 keep the model"
ln -f "$out/position/model.safetensors" "$out/model.safetensors"
say "6/6 report"
step petrel-eval report --cache "$out/cache" --model "$out/position/model.safetensors" \
    --model "$out/no-position/model.safetensors" --out "$out" "${words_report[@]}" \
    --run "$out/position/pretrain" --run "$out/position/classifier" --run "$out/no-position/pretrain" --run "$out/no-position/classifier"
