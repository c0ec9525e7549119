#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# VI -- Table VI of the paper: backbones   (lib.sh says the words)
. "$(dirname "$0")/lib.sh"
tables_run VI -- "$@"
