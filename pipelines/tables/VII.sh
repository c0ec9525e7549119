#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# VII -- Table VII of the paper: the position vector's components   (lib.sh says the words)
. "$(dirname "$0")/lib.sh"
tables_run VII -- "$@"
