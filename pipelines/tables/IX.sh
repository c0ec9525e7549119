#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# IX -- Table IX of the paper: where the PEB stands   (lib.sh says the words)
. "$(dirname "$0")/lib.sh"
tables_run IX -- "$@"
