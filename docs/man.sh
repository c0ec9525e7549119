#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# man -- a man page for every program, from its --help:   docs/man.sh BUILD_DIR   writes BUILD_DIR/man/petrel-*.1
set -eu
build=$1
command -v help2man >/dev/null || { echo "docs/man.sh: needs help2man: apt-get install help2man" >&2; exit 69; }
mkdir -p "$build/man"
for program in "$build"/bin/petrel-*; do
    name=${program##*/}
    purpose=$("$program" --help | sed -n "s/^$name //p" | head -n 1)
    help2man --no-info --section 1 --name "${purpose:-part of Petrel}" --output "$build/man/$name.1" "$program"
    echo "$build/man/$name.1"
done
