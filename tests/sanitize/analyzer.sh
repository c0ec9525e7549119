#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# analyzer -- gcc's -fanalyzer over the C sources: nothing but what tests/sanitize/analyzer.tsv explains.
#   tests/sanitize/analyzer.sh [FILE ...]      without files all of them, which takes many minutes
# analyzer.tsv: file, warning, how many at most, reason; of another compiler's version there may be others.
cd "$(dirname "$0")/../.." || exit 1
cc=${CC:-gcc}
"$cc" -fanalyzer -x c -fsyntax-only - </dev/null 2>/dev/null || { echo "skipped: $cc has no -fanalyzer"; exit 77; }
[ -d build/gen ] || { echo "analyzer: make all first, for what is generated"; exit 1; }
# shellcheck disable=SC2046
includes=(-I. -Ibuild/gen $(pkg-config --cflags hdf5 libopenjp2 2>/dev/null | sed 's/-I/-isystem /g') -isystem /usr/include/hdf5/serial)
[ $# -gt 0 ] || mapfile -t all < <(git ls-files 'common/*.c' 'proto/*.c' 'stages/*.c' 'kernels/*.c' 'datasets/*.c' | grep -v '^kernels/\(cuda\|mpi\)/')
[ $# -gt 0 ] || set -- "${all[@]}"
found=$(mktemp) && trap 'rm -f "$found"' EXIT
for file in "$@"; do
    "$cc" -fanalyzer -O1 -fopenmp -D_GNU_SOURCE -DPETREL_VERSION='"x"' -DPETREL_PARTS='"x"' -std=c11 "${includes[@]}" -c "$file" -o /dev/null 2>&1 |
        grep -E 'Wanalyzer' | sed "s|^cc1: |$file:0:0: |"
done | sort -u >"$found"
awk -F '\t' 'FNR == NR { if ($1 !~ /^#/) most[$1 "\t" $2] = $3; next }
    { file = $0; sub(/:.*/, "", file); check = $0; sub(/.*\[-W/, "", check); sub(/\].*/, "", check)
      key = file "\t" check; n[key]++; if (n[key] > most[key] + 0) { print; bad++ } }
    END { print bad + 0 " findings that tests/sanitize/analyzer.tsv does not explain"; exit bad > 0 }' tests/sanitize/analyzer.tsv FS=' ' "$found"
