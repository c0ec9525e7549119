#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# rois -- scans to a cache of high-uptake regions:   load -> suv xN -> roi xN -> cache
#   pipelines/rois.sh SCAN... --out CACHE [-j N] [--recipe FILE] [--run DIR] [other words: arguments.sh]
#   Pictures of what was found: CACHE/pictures
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/arguments.sh"
arguments "$@"
[ -n "$out" ] && [ ${#scans[@]} -gt 0 ] || usage "SCAN... --out CACHE [-j N] [--recipe FILE]"

run_begin "${run:-$out.run}"
node load petrel-load --channel-out volumes --window $((2 * jobs + 2)) --skip-cache "$out" --recipe "$recipe" "${settings[@]}" \
    "${load_settings[@]}" "${scans[@]}"
nodes "$jobs" suv petrel-suv --in volumes --out suv --recipe "$recipe" "${settings[@]}" "${suv_settings[@]}"
nodes "$jobs" roi petrel-roi --in suv --out regions --recipe "$recipe" "${roi_settings[@]}" "${settings[@]}"
node cache petrel-cache collect "$out" --in regions --recipe "$recipe" "${settings[@]}"
run_wait
code=$?
# not of a run that was stopped: it goes on another time
case $code in 0 | 65) [ ! -s "$out/manifest" ] || petrel-cache pictures --quiet "$out" || code=$? ;; esac
exit "$code"
