#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# supervised -- a cache to a model, without pretraining:   train -tasks-> pairs xN -pairs-> train
#   pipelines/supervised.sh --cache DIR --out DIR [--model ENCODER] [-j N] [--recipe FILE] [--seed N] [--no-position]
# The whole network learns the classes by the focal loss, from scratch or from --model (fine-tuned).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/arguments.sh"
takes "--cache DIR --out DIR [--model ENCODER] [-j N] [--recipe FILE]" cache model out j recipe
passes pairs petrel-pairs -- run in channel-out
passes train petrel-train classifier -- run init resume restart in channel-out onnx compact augment-on pair-list unfreeze
arguments "$@"
[ -n "$out" ] && [ -n "$cache" ] || usage

run_begin "$out/supervised"
nodes "$jobs" pairs petrel-pairs --cache "$cache" --recipe "$recipe" "${words_pairs[@]}"
node supervised petrel-train classifier --cache "$cache" --run "$out/supervised" --resume ${model:+--init "$model"} \
    --out "$out/model.safetensors" --recipe "$recipe" "${words_train[@]}" --unfreeze
run_wait
