#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pretrain -- a cache to an encoder:   train -tasks-> pairs xN -pairs-> train
#   pipelines/pretrain.sh --cache DIR --out DIR [-j N] [--recipe FILE] [--seed N] [--no-position] [--no-semantic] [--init FILE]
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/arguments.sh"
takes "--cache DIR --out DIR [-j N] [--recipe FILE]" cache out j recipe
passes pairs petrel-pairs -- run in channel-out
passes train petrel-train pretrain -- run resume restart in channel-out onnx compact model
arguments "$@"
[ -n "$out" ] && [ -n "$cache" ] || usage

run_begin "$out/pretrain"
nodes "$jobs" pairs petrel-pairs --cache "$cache" --recipe "$recipe" "${words_pairs[@]}"
node pretrain petrel-train pretrain --cache "$cache" --run "$out/pretrain" --resume --out "$out/encoder.safetensors" \
    --recipe "$recipe" "${words_train[@]}"
run_wait
