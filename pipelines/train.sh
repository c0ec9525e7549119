#!/usr/bin/env bash
# train -- a cache to a model: pretrain.sh, then classifier.sh
#   pipelines/train.sh --cache DIR --out DIR [-j N] [--recipe FILE] [--seed N] [--no-position] [--no-semantic]
here=$(dirname "$0")
. "$here/arguments.sh"
arguments "$@"
[ -n "$out" ] && [ -n "$cache" ] || usage "--cache DIR --out DIR [-j N] [--recipe FILE]"
"$here/pretrain.sh" "$@" && "$here/classifier.sh" "$@" --model "$out/encoder.safetensors"
