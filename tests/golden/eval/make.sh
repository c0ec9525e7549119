#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# make -- statistics.tsv.gz and baselines.txt anew.
#   PYTHON=... tests/golden/eval/make.sh [CASES]   a Python with scipy, scikit-learn, statsmodels and dcurves; R with pROC and rms (Debian:
#                                                  r-cran-proc, r-cran-rms)
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3} count=${1:-1000} work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" make.py cases "$count" >"$work/cases"
"$python" make.py wants "$count" >"$work/python"
Rscript make.R "$work/cases" >"$work/r"
diff <(cut -f1 "$work/python" | tail -n +2) <(cut -f1 "$work/r" | tail -n +2) # the same cases in the same order
{
    printf '%s; %s\n' "$(head -n 1 "$work/python")" "$(head -n 1 "$work/r" | cut -c 3-)"
    paste <(tail -n +2 "$work/python") <(tail -n +2 "$work/r" | cut -f2-)
} | gzip -9n >statistics.tsv.gz
"$python" make_baselines.py >baselines.txt
