#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# classifier -- a cache and an encoder to a model:   train -tasks-> pairs xN -pairs-> train
#   pipelines/classifier.sh --cache DIR --model ENCODER --out DIR [-j N] [--recipe FILE] [--seed N]
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/arguments.sh"
arguments "$@"
[ -n "$out" ] && [ -n "$cache" ] && [ -n "$model" ] || usage "--cache DIR --model ENCODER --out DIR [-j N] [--recipe FILE]"

run_begin "$out/classifier"
nodes "$jobs" pairs petrel-pairs "$cache" --recipe "$recipe" --seed "$seed" "${settings[@]}"
node classifier petrel-train classifier --cache "$cache" --run "$out/classifier" --resume --init "$model" \
    --out "$out/model.safetensors" --recipe "$recipe" --seed "$seed" ${backend:+--backend "$backend"} "${train_settings[@]}" "${settings[@]}"
run_wait
