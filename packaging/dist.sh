#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dist -- the sources that are committed, as an archive: the same bytes whoever makes it, and when.   packaging
#   packaging/dist.sh [FILE.tar.gz]     (make dist)     build/petrel-VERSION.tar.gz
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(packaging/sources.sh --version)
out=$(realpath -m "${1:-build/petrel-$version.tar.gz}")
[ -z "$(git status --porcelain --untracked-files=no)" ] || echo "dist.sh: the archive holds what is committed; changes that are not are left out" >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$(dirname "$out")"
packaging/sources.sh "$work/petrel-$version"
tar -C "$work" --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --mtime="@$(git log -1 --format=%ct)" \
    -cf - "petrel-$version" | gzip -9n >"$out.part"
mv "$out.part" "$out"
echo "$out"
