#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# III -- Table III of the paper: related representation learning techniques with positional encoding   (lib.sh says the words)
. "$(dirname "$0")/lib.sh"
tables_run III -- "$@"
