#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# IV -- Table IV of the paper: classification methods   (lib.sh says the words)
. "$(dirname "$0")/lib.sh"
tables_run IV -- "$@"
