#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# find -- finding regions by two versions of petrel, in turns on the same scans: processor time and memory a scan, and whether both find the same.
#   tests/bench/find.sh BEFORE AFTER SCAN|DIR...      BEFORE, AFTER: their build/tests/bench/find
#   ROUNDS (3), REPEAT (3): of the fastest of REPEAT of each scan in each of ROUNDS turns the fastest counts
set -u
[ $# -ge 3 ] || { sed -n '4,5s/^# *//p' "$0" >&2; exit 64; }
before=$1 after=$2
shift 2
work=$(mktemp -d "${TMPDIR:-/tmp}/petrel-find.XXXXXX")
trap 'rm -rf "$work"' EXIT
for ((round = 0; round < ${ROUNDS:-3}; round++)); do
    "$before" "${REPEAT:-3}" "$@" >>"$work/before" && "$after" "${REPEAT:-3}" "$@" >>"$work/after" || exit
done
awk 'function value(key) { match($0, key "=[^ ]*"); return substr($0, RSTART + length(key) + 1, RLENGTH - length(key) - 1) }
    /^scan=/ {
        scan = value("scan") + 0; who = FILENAME ~ /before$/ ? 0 : 1
        if (!((who, scan) in cpu) || value("cpu_s") + 0 < cpu[who, scan]) cpu[who, scan] = value("cpu_s") + 0
        if (value("mib") + 0 > mib[who]) mib[who] = value("mib") + 0
        regions[who, scan] = value("regions") + 0; digest[who, scan] = value("digest"); scans = scan > scans ? scan : scans
    }
    END {
        for (i = 1; i <= scans; i++) {
            for (who = 0; who < 2; who++) { sum[who] += cpu[who, i]; count[who] += regions[who, i] }
            same += digest[0, i] == digest[1, i]
        }
        printf "| scans | s a scan, before | after | ratio | most MiB beside the scan, before | after | regions a scan, before | after | the same bytes |\n|---|---|---|---|---|---|---|---|---|\n"
        printf "| %d | %.3f | %.3f | %.2f | %.0f | %.0f | %.1f | %.1f | %d |\n", scans, sum[0] / scans, sum[1] / scans,
            sum[1] / sum[0], mib[0], mib[1], count[0] / scans, count[1] / scans, same
    }' "$work/before" "$work/after"
