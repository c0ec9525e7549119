#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# X -- Table X of the paper: sampling of pairs and position   (lib.sh says the words)
. "$(dirname "$0")/lib.sh"
tables_run X -- "$@"
