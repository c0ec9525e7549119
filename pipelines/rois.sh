#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# rois -- scans to a cache of high-uptake regions:   load -> suv xN -> roi xN -> cache
#   pipelines/rois.sh SCAN... --out CACHE [-j N] [--recipe FILE] [--run DIR] [other words: arguments.sh]
#   Pictures of what was found: CACHE/pictures
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/arguments.sh"
takes "SCAN... --out CACHE [-j N] [--recipe FILE] [--run DIR]" out j recipe run SCANS
passes load petrel-load -- channel-out skip-cache check
passes suv petrel-suv -- in channel-out
passes roi petrel-roi -- in channel-out
passes cache petrel-cache collect -- in validation test force
arguments "$@"
[ -n "$out" ] && [ ${#scans[@]} -gt 0 ] || usage

run_begin "${run:-$out.run}"
node load petrel-load --channel-out volumes --window $((2 * jobs + 2)) --skip-cache "$out" --recipe "$recipe" \
    "${words_load[@]}" -- "${scans[@]}"
nodes "$jobs" suv petrel-suv --in volumes --out suv --recipe "$recipe" "${words_suv[@]}"
nodes "$jobs" roi petrel-roi --in suv --out regions --recipe "$recipe" "${words_roi[@]}"
node cache petrel-cache collect --in regions --recipe "$recipe" "${words_cache[@]}" -- "$out"
run_wait
code=$?
# not of a run that was stopped: it goes on another time
case $code in 0 | 65) [ ! -s "$out/manifest" ] || run_step petrel-cache pictures --quiet -- "$out" || code=$? ;; esac
exit "$code"
