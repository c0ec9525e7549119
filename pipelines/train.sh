#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# train -- a cache to a model: pretrain.sh, then classifier.sh
#   pipelines/train.sh --cache DIR --out DIR [-j N] [--recipe FILE] [--seed N] [--no-position] [--no-semantic] [--init FILE]
here=$(dirname "$0")
. "$here/lib.sh"
. "$here/arguments.sh"
takes "--cache DIR --out DIR [-j N] [--recipe FILE]" cache out j recipe
passes pretrain "$here/pretrain.sh"
passes classifier "$here/classifier.sh" -- model
arguments "$@"
[ -n "$out" ] && [ -n "$cache" ] || usage
same=(--cache "$cache" --out "$out" -j "$jobs" --recipe "$recipe")
run_step "$here/pretrain.sh" "${same[@]}" "${words_pretrain[@]}" &&
    run_step "$here/classifier.sh" "${same[@]}" --model "$out/encoder.safetensors" "${words_classifier[@]}"
