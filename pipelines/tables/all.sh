#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# all -- every table of the paper, or those named: all.sh [I VII ...] --cohort CACHE ...   (lib.sh says the words)
. "$(dirname "$0")/lib.sh"
tables_chosen=()
while [[ " ${tables_all[*]} " == *" ${1:-} "* ]] && [ $# -gt 0 ]; do
    tables_chosen+=("$1")
    shift
done
[ ${#tables_chosen[@]} -gt 0 ] || tables_chosen=("${tables_all[@]}")
tables_run "${tables_chosen[@]}" -- "$@"
