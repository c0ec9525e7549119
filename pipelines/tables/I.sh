#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# I -- Table I of the paper: representation learning methods with and without the PEB   (lib.sh says the words)
. "$(dirname "$0")/lib.sh"
tables_run I -- "$@"
