#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# demo -- everything, on a simulated cohort: simulate, rois, split, train with and without position, report
#   pipelines/demo.sh [--out runs/demo] [--patients N] [-j N] [--seed N] [--recipe FILE]
here=$(dirname "$0")
. "$here/lib.sh"
. "$here/arguments.sh"
arguments --recipe "$here/recipes/demo.conf" "$@"
out=${out:-runs/demo} patients=${patients:-60}
same=(--recipe "$recipe" --seed "$seed" -j "$jobs" ${backend:+--backend "$backend"} "${settings[@]}")
say() { printf '\n\033[1m%s\033[0m\n' "$*" >&2; }
step() { run_step "$@" || { rc=$?; [ $rc = 65 ] || exit $rc; }; } # 65: some scan was refused; it has been listed, the rest goes on

mkdir -p "$out" || exit 73
say "1/6 simulate: $patients patients of a simulated cohort"
step petrel-simulate --out "$out/scans" --patients "$patients" --seed "$seed" --scale quick -j "$jobs"
say "2/6 regions: load, suv, roi, cache"
step "$here/rois.sh" "$out/scans/scans.tsv" --out "$out/cache" "${same[@]}"
step petrel-cache split "$out/cache" --seed "$seed"
say "3/6 train with position: pretraining, then the classifier"
step "$here/train.sh" --cache "$out/cache" --out "$out/position" "${same[@]}"
say "4/6 train without position (the ablation)"
step "$here/train.sh" --cache "$out/cache" --out "$out/no-position" "${same[@]}" --no-position
say "5/6 keep the model"
ln -f "$out/position/model.safetensors" "$out/model.safetensors"
say "6/6 report"
step petrel-eval report --cache "$out/cache" --model "$out/position/model.safetensors" \
    --model "$out/no-position/model.safetensors" --out "$out" \
    --run "$out/position/pretrain" --run "$out/position/classifier" --run "$out/no-position/pretrain" --run "$out/no-position/classifier"
