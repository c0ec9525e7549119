#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# deb -- a Debian package of what is committed, by packaging/debian.   packaging
#   packaging/deb.sh [FOLDER]       (make deb)     FOLDER/petrel_*.deb, build/deb by default
# Needs debhelper and what packaging/debian/control asks for; DEB_BUILD_OPTIONS as ever (nocheck, parallel=N).
set -euo pipefail
cd "$(dirname "$0")/.."
command -v dh >/dev/null || { echo "deb.sh: needs debhelper: apt-get install debhelper dpkg-dev fakeroot" >&2; exit 69; }
out=$(realpath -m "${1:-build/deb}") version=$(packaging/sources.sh --version)
rm -rf "$out"
mkdir -p "$out"
packaging/sources.sh "$out/petrel-$version"
cp -r packaging/debian "$out/petrel-$version/debian"
cd "$out/petrel-$version"
# what lies between releases is older than the release to come
[ "$version" = "${version%%+*}" ] || sed -i "1s/(\(.*\)-/(${version%%+*}~git$(printf %s "${version#*+}" | tr -c '[:alnum:]' .)-/" debian/changelog
dpkg-buildpackage -b -us -uc
ls "$out"/*.deb
