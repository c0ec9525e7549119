#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sources -- what is committed, as a folder that knows its version without git.   packaging
#   packaging/sources.sh FOLDER     makes FOLDER; its VERSION says it whole (sources with .git ask git, see the Makefile)
#   packaging/sources.sh --version  that version, without what is not committed
set -euo pipefail
cd "$(dirname "$0")/.."
git rev-parse --verify --quiet HEAD >/dev/null || { echo "sources.sh: needs the git checkout: what is committed is what is packed" >&2; exit 69; }
# a release is its tag's name; in between, the commit follows the version to come
tag=$(git describe --always --tags HEAD | sed 's/^v//') version=$(cat VERSION)
[ "$tag" = "$version" ] || version+=+$tag
if [ "$1" = --version ]; then
    echo "$version"
    exit
fi
mkdir -p "$1"
git archive --format=tar HEAD | tar -x -C "$1"
echo "$version" >"$1/VERSION"
