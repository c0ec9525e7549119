#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# XII -- Table XII of the paper: sizes of the training set   (lib.sh says the words)
. "$(dirname "$0")/lib.sh"
tables_run XII -- "$@"
