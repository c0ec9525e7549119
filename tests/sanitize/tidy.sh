#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tidy -- clang-tidy's bugprone and cert checks over the sources: nothing but what tests/sanitize/tidy.tsv explains.
#   tests/sanitize/tidy.sh [FILE ...]      without files all of them, which takes minutes
# tidy.tsv: file, check, how many at most, reason. Checks that are left out as a whole, and why, stand here:
#   easily-swappable-parameters, dcl16-c      sizes last and a lower-case suffix are the house's style
#   reserved-identifier, dcl37-c, dcl51-cpp    _GNU_SOURCE, __lsan_default_suppressions: names of the system's
#   narrowing-conversions, implicit-widening   -Wconversion has looked at each already
#   err33-c                                    fprintf to a stream that ferror() is asked of at the end (publish_commit), free text to stderr
#   msc30-c, msc50-cpp                         random(3) is not used for anything but names of sockets
#   macro-parentheses                          a row's word, type or field cannot stand in parentheses
cd "$(dirname "$0")/../.." || exit 1
tidy=$(command -v clang-tidy-14 || command -v clang-tidy) || { echo "skipped: clang-tidy is not installed"; exit 77; }
[ -d build/gen ] || { echo "tidy: make all first, for what is generated"; exit 1; }
checks='-*,bugprone-*,cert-*,-bugprone-easily-swappable-parameters,-cert-dcl16-c,-bugprone-reserved-identifier,-cert-dcl37-c,-cert-dcl51-cpp'
checks+=',-bugprone-narrowing-conversions,-bugprone-implicit-widening-of-multiplication-result,-cert-err33-c,-cert-msc30-c,-cert-msc50-cpp'
checks+=',-bugprone-macro-parentheses'
# shellcheck disable=SC2046
includes=(-I. -Ibuild/gen $(pkg-config --cflags hdf5 libopenjp2 2>/dev/null | sed 's/-I/-isystem /g') -isystem /usr/include/hdf5/serial)
[ $# -gt 0 ] || mapfile -t all < <(git ls-files 'common/*.c' 'proto/*.c' 'stages/*.c' 'kernels/*.c' 'datasets/*.c' | grep -v '^kernels/\(cuda\|mpi\)/')
[ $# -gt 0 ] || set -- "${all[@]}"
found=$(mktemp) && trap 'rm -f "$found"' EXIT
for file in "$@"; do
    "$tidy" --quiet --checks="$checks" "$file" -- -fopenmp -D_GNU_SOURCE -DPETREL_VERSION='"x"' -DPETREL_PARTS='"x"' -std=c11 "${includes[@]}" 2>/dev/null |
        grep -E '(warning|error):'
done | sed "s|^$PWD/||" | sort -u >"$found"
awk -F '\t' -v OFS='\t' 'FNR == NR { if ($1 !~ /^#/) most[$1 "\t" $2] = $3; next }
    { file = $0; sub(/:.*/, "", file); check = $0; sub(/.*\[/, "", check); sub(/\].*/, "", check); sub(/,.*/, "", check)
      key = file "\t" check; n[key]++; if (n[key] > most[key] + 0) { print; bad++ } }
    END { print bad + 0 " findings that tests/sanitize/tidy.tsv does not explain"; exit bad > 0 }' tests/sanitize/tidy.tsv FS=' ' "$found"
