#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# XI -- Table XI of the paper: pET and CT   (lib.sh says the words)
. "$(dirname "$0")/lib.sh"
tables_run XI -- "$@"
