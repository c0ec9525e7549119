#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# make -- statistics.txt and baselines.txt anew, and tests/unit/eval_statistics on 1,000 further random cases.
#   PYTHON=... tests/golden/eval/make.sh      a Python with scipy, scikit-learn and statsmodels; R with pROC and rms (Debian: r-cran-proc, r-cran-rms)
set -eu
cd "$(dirname "$0")/../../.."
here=tests/golden/eval python=${PYTHON:-python3} more=$(mktemp)
trap 'rm -f "$more"' EXIT
"$python" $here/make.py 40 0 >"$more"
Rscript $here/make.R "$more" >>"$more"
cp "$more" $here/statistics.txt
"$python" $here/make_baselines.py >$here/baselines.txt
"$python" $here/make.py 1000 40 >"$more"
Rscript $here/make.R "$more" >>"$more"
PETREL_GOLDEN_EVAL=$more build/tests/unit/eval_statistics
