#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# make -- statistics.tsv.gz and baselines.txt anew.
#   PYTHON=... tests/golden/eval/make.sh [CASES [PARTS]]   PARTS at once (nproc). A Python with scipy, scikit-learn, statsmodels and dcurves; R
#                                                          with pROC and rms (Debian: r-cran-proc, r-cran-rms)
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3} count=${1:-1000} parts=${2:-$(nproc)} work=$(mktemp -d)
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
trap 'rm -rf "$work"' EXIT
"$python" make.py cases 0 "$count" >"$work/cases"
running=()
for ((k = 0; k < parts; k++)); do
    "$python" make.py wants $((k * count / parts)) $(((k + 1) * count / parts)) >"$work/python.$k" &
    running+=($!)
done
Rscript make.R "$work/cases" >"$work/r"
for one in "${running[@]}"; do wait "$one"; done
{
    head -n 2 "$work/python.0"
    for ((k = 0; k < parts; k++)); do tail -n +3 "$work/python.$k"; done
} >"$work/python"
diff <(cut -f1 "$work/python" | tail -n +2) <(cut -f1 "$work/r" | tail -n +2) # the same cases in the same order
{
    printf '%s; %s\n' "$(head -n 1 "$work/python")" "$(head -n 1 "$work/r" | cut -c 3-)"
    paste <(tail -n +2 "$work/python") <(tail -n +2 "$work/r" | cut -f2-)
} | gzip -9n >statistics.tsv.gz
"$python" make_baselines.py >baselines.txt
