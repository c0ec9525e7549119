#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pretrain -- a cache to an encoder:   train -tasks-> pairs xN -pairs-> train
#   pipelines/pretrain.sh --cache DIR --out DIR [-j N] [--recipe FILE] [--seed N] [--no-position] [--no-semantic]
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/arguments.sh"
arguments "$@"
[ -n "$out" ] && [ -n "$cache" ] || usage "--cache DIR --out DIR [-j N] [--recipe FILE]"

run_begin "$out/pretrain"
nodes "$jobs" pairs petrel-pairs "$cache" --recipe "$recipe" --seed "$seed" "${settings[@]}"
node pretrain petrel-train pretrain --cache "$cache" --run "$out/pretrain" --resume --out "$out/encoder.safetensors" \
    --recipe "$recipe" --seed "$seed" ${backend:+--backend "$backend"} "${train_settings[@]}" "${pretrain_settings[@]}" "${settings[@]}"
run_wait
