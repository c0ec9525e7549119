#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# VIII -- Table VIII of the paper: the loss's weights: invariance, variance, covariance   (lib.sh says the words)
. "$(dirname "$0")/lib.sh"
tables_run VIII -- "$@"
