#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bundle -- one archive from which Petrel builds where nothing can be fetched and nobody is root.
#
#     pipelines/offline/bundle.sh [FILE.tar]        (make offline-bundle)
#
# It holds the committed sources, the Debian packages that building, running and testing need (with all they rest on,
# but for what every machine with a C compiler has), their checksums, and unpack.sh beside this file, which says how to go on.
# Needs a Debian machine that reaches a package mirror; nothing is installed. The packages' programs ask for the glibc of that
# Debian release or a newer one: unpack.sh looks before it unpacks.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=$(packaging/sources.sh --version)
[ -z "$(git status --porcelain --untracked-files=no)" ] || echo "bundle.sh: the bundle holds what is committed; changes that are not are left out" >&2
out=$(realpath -m "${1:-build/petrel-$version-$(dpkg --print-architecture).tar}")
mapfile -t wanted < <(./run.sh packages | grep -vx -e git -e build-essential)

work=$(mktemp -d)
mkdir "$work/partial"
trap 'rm -rf "$work"' EXIT

# What apt would install where nothing is, less what it would for a compiler and the base system: those are there wherever
# Petrel can be built. (apt names no file it has: it is given an empty cache.)
solution() {
    apt-get -o Dir::State::status=/dev/null -o Dir::Cache::archives="$work/" -qq --print-uris --no-install-recommends install "$@" | cut -d' ' -f2 | sed 's/_.*//' | sort -u
}
mapfile -t base < <(dpkg-query -W -f '${Package} ${Essential} ${Priority}\n' | awk '$2 == "yes" || $3 == "required" {print $1}')
base+=(build-essential)
unused='libboost[0-9.]*-dev|libboost-dev|libicu-dev|icu-devtools|libssl-dev' # headers others' packages ask for, never ours
mapfile -t packages < <(comm -13 <(solution "${base[@]}") <(solution "${base[@]}" "${wanted[@]}") | grep -vxE "$unused")
[ ${#packages[@]} -gt 0 ] || { echo "bundle.sh: apt names no packages: run apt-get update, then this again" >&2; exit 69; }

name=petrel-$version
mkdir -p "$work/$name/packages" "$(dirname "$out")"
packaging/sources.sh "$work/$name/sources"
cp pipelines/offline/unpack.sh "$work/$name/"
if ! (cd "$work/$name/packages" && apt-get -q download "${packages[@]}") >"$work/apt.log" 2>&1; then
    tail -n 5 "$work/apt.log" >&2
    echo "bundle.sh: the packages cannot be downloaded: run apt-get update, then this again" >&2
    exit 69
fi
(cd "$work/$name" && dpkg-query -W -f '${Version}\n' libc6 | sed 's/-.*//' >glibc && sha256sum packages/*.deb >SHA256SUMS)
tar -C "$work" -cf "$out.part" "$name"
mv "$out.part" "$out"
echo "$out: ${#packages[@]} packages, $(du -h "$out" | cut -f1). On the other machine: tar xf ${out##*/} && $name/unpack.sh DIR"
