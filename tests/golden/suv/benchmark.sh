#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# benchmark -- the tables of docs/suv.md: the SUV benchmark's 17 objects, the 58 of its newer list, eight vendors' headers.
#   PETREL_DATA=... PYTHON=python3 tests/golden/suv/benchmark.sh [BUILD_DIR]      PYTHON: one with pydicom, for the newer list
set -eu
cd "$(dirname "$0")/../../.."
build=${1:-build}
: "${PETREL_DATA:?the folder with ibsi_suv_dro and suv_vendor_headers}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -W ignore tests/golden/suv/round3.py "$PETREL_DATA/ibsi_suv_dro/DRO/DRO_0_0" "$work/made"
PETREL_ROUND3=$work/made "$build/tests/unit/suv_benchmark" >"$work/out" 2>&1 || { cat "$work/out"; exit 1; }
awk -F '\t' '
    /RUN.*seventeen/ { print "| object | min | median | max | expected |\n|---|---|---|---|---|" }
    /RUN.*newer_list/ { print "\n| made from the newer list | min | median | max | expected |\n|---|---|---|---|---|" }
    /RUN.*vendor/ { print "\n| header | Petrel | gold | relative difference | moment decay was corrected to |\n|---|---|---|---|---|" }
    /^# / && NF == 4 { sub("# ", ""); print "| " $1 " | " $2 " | " $3 " | " $4 " | 0.20 1.00 4.00 |" }
    /^# / && NF == 3 { sub("# ", ""); sub(/\/[^ ]*\/made/, "made"); print "| " $1 " | refused: " $3 " | | | refused |" }
    /^# / && NF == 5 { sub("# ", ""); print "| " $1 " | " $2 " | " $3 " | " $4 " | " $5 " |" }' "$work/out"
