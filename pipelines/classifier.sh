#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# classifier -- a cache and an encoder to a model:   train -tasks-> pairs xN -pairs-> train
#   pipelines/classifier.sh --cache DIR --model ENCODER --out DIR [-j N] [--recipe FILE] [--seed N]
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/arguments.sh"
takes "--cache DIR --model ENCODER --out DIR [-j N] [--recipe FILE]" cache model out j recipe
passes pairs petrel-pairs -- run in channel-out
passes train petrel-train classifier -- run init resume restart in channel-out onnx compact augment-on pair-list
arguments "$@"
[ -n "$out" ] && [ -n "$cache" ] && [ -n "$model" ] || usage

run_begin "$out/classifier"
nodes "$jobs" pairs petrel-pairs --cache "$cache" --recipe "$recipe" "${words_pairs[@]}"
node classifier petrel-train classifier --cache "$cache" --run "$out/classifier" --resume --init "$model" \
    --out "$out/model.safetensors" --recipe "$recipe" "${words_train[@]}"
run_wait
