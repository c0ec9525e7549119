#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# classify -- which regions of a scan are tumour:   load -> suv xN -> roi xN -> classify
#   pipelines/classify.sh --model FILE SCAN... --out DIR [-j N] [--recipe FILE]
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/arguments.sh"
takes "--model FILE SCAN... --out DIR [-j N] [--recipe FILE] [--run DIR]" model out j recipe run SCANS
passes load petrel-load -- channel-out skip-cache check
passes suv petrel-suv -- in channel-out
passes roi petrel-roi -- in channel-out
passes classify petrel-classify -- in from
arguments "$@"
[ -n "$out" ] && [ -n "$model" ] && [ ${#scans[@]} -gt 0 ] || usage

run_begin "${run:-$out.run}"
if [ -z "$chosen_recipe" ]; then # regions are found as they were for training
    recipe=${run:-$out.run}/recipe.conf
    petrel-classify settings --model "$model" >"$recipe" || exit
fi
node load petrel-load --channel-out volumes --window $((2 * jobs + 2)) --recipe "$recipe" "${words_load[@]}" -- "${scans[@]}"
nodes "$jobs" suv petrel-suv --in volumes --out suv --recipe "$recipe" "${words_suv[@]}"
nodes "$jobs" roi petrel-roi --with-scan --in suv --out regions --recipe "$recipe" "${words_roi[@]}"
node classify petrel-classify --in regions --model "$model" --out "$out" "${scans[@]/#/--from=}" "${words_classify[@]}"
run_wait
