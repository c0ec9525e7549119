#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# man -- a man page for every program, from its table of options, and one for the front door:
#   docs/man.sh BUILD_DIR     writes BUILD_DIR/man/petrel.1 and BUILD_DIR/man/petrel-*.1
set -eu
cd "$(dirname "$0")/.."
build=$1 programs=()
mkdir -p "$build/man"
for program in "$build"/bin/petrel-*; do
    case $program in *.so) continue ;; esac
    name=${program##*/}
    "$program" --help-man >"$build/man/$name.1.tmp" && mv "$build/man/$name.1.tmp" "$build/man/$name.1"
    programs+=("$name")
done
plain() { sed 's/\\/\\e/g; s/-/\\-/g; s/'\''/\\(aq/g; s/^\./\\\&./'; }
{
    version=$("$build/bin/petrel-load" --version)
    printf '.\\" made by docs/man.sh\n.TH PETREL 1 "" "Petrel %s" Petrel\n.ad l\n' "${version#* }"
    printf '.SH NAME\npetrel \\- finds tumour regions in whole\\-body FDG\\-PET scans\n'
    printf '.SH SYNOPSIS\n.B petrel\n.RI [ COMMAND ]\n.RI [ words ]\n.SH COMMANDS\n.nf\n'
    pipelines/petrel.sh --help | sed '1,2d' | plain
    printf '.fi\n.SH FILES\n.TP\nrecipes/paper.conf, recipes/released.conf\nevery setting, as the paper has it and as its released code does; the folder is what\n.B petrel recipes\nprints\n'
    printf '.SH SEE ALSO\n'
    printf '.BR %s (1),\n' "${programs[@]}" | sed '$s/,$//'
} >"$build/man/petrel.1.tmp"
mv "$build/man/petrel.1.tmp" "$build/man/petrel.1"
