#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# V -- Table V of the paper: classification methods on a second cohort   (lib.sh says the words)
. "$(dirname "$0")/lib.sh"
tables_run V -- "$@"
