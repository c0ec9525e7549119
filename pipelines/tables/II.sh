#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# II -- Table II of the paper: supervised contrastive and the proposed scheme at thresholds of like precision and specificity   (lib.sh says the words)
. "$(dirname "$0")/lib.sh"
tables_run II -- "$@"
