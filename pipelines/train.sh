#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# train -- a cache to a model: pretrain.sh, then classifier.sh
#   pipelines/train.sh --cache DIR --out DIR [-j N] [--recipe FILE] [--seed N] [--no-position] [--no-semantic]
here=$(dirname "$0")
. "$here/lib.sh"
. "$here/arguments.sh"
arguments "$@"
[ -n "$out" ] && [ -n "$cache" ] || usage "--cache DIR --out DIR [-j N] [--recipe FILE]"
run_step "$here/pretrain.sh" "$@" && run_step "$here/classifier.sh" "$@" --model "$out/encoder.safetensors"
