#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# unpack -- builds Petrel from a bundle, without a package registry and without root.
#
#     petrel-VERSION/unpack.sh DIR [--no-build]
#
# DIR gets packages/ (the Debian packages' files, not installed), petrel/ (sources and, in petrel/build/bin, the programs)
# and env.sh, which a shell sources to find them. Needs gcc, g++, make, perl, tar and a glibc at least as new as the bundle's.
# With a CUDA toolkit (nvcc, cuBLAS, cuDNN 9) on the machine, or CUDA_HOME set, the CUDA part is built too.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
fail() { echo "unpack.sh: $1" >&2; exit "$2"; }
[ $# -ge 1 ] || fail "usage: unpack.sh DIR [--no-build]" 64
mkdir -p "$1" && to=$(cd "$1" && pwd) || fail "cannot make '$1'" 73
for tool in gcc g++ make perl tar sha256sum; do
    command -v $tool >/dev/null || fail "there is no '$tool' here: ask for a compiler module, or the packages gcc g++ make" 69
done
have=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2) need=$(cat "$here/glibc")
[ "$(printf '%s\n%s\n' "$need" "$have" | sort -V | head -n 1)" = "$need" ] ||
    fail "glibc here is ${have:-unknown} and the bundle's libraries need $need: make the bundle on a release as old as this one" 69
(cd "$here" && sha256sum --quiet -c SHA256SUMS) || fail "the bundle is damaged: copy it again" 65

# A .deb is an ar archive of three members; dpkg-deb need not be there.
member() { # member FILE NAME-PREFIX: its bytes
    perl -e 'my ($file, $want) = @ARGV; open my $f, "<:raw", $file or die; read $f, my $magic, 8;
        while (read($f, my $head, 60) == 60) { my ($name, $size) = (substr($head, 0, 16), substr($head, 48, 10) + 0);
            if (index($name, $want) == 0) { while ($size) { my $n = read $f, my $part, $size < 1 << 20 ? $size : 1 << 20 or die; print $part; $size -= $n } exit }
            seek $f, $size + $size % 2, 1 } exit 1' "$1" "$2"
}
prefix=$to/packages
mkdir -p "$prefix"
for deb in "$here"/packages/*.deb; do
    if command -v dpkg-deb >/dev/null; then
        dpkg-deb --fsys-tarfile "$deb" | tar -x --no-same-owner -C "$prefix" -f -
    else
        case $(ar t "$deb" | grep '^data') in
        *.xz) member "$deb" data.tar | xz -dc ;;
        *.zst) member "$deb" data.tar | zstd -dc ;;
        *) member "$deb" data.tar | gzip -dc ;;
        esac | tar -x --no-same-owner -C "$prefix" -f -
    fi || fail "'${deb##*/}' cannot be unpacked" 73
done
# links that mean the system's root mean ours
find "$prefix" -type l | while read -r link; do
    target=$(readlink "$link")
    case $target in /*) if [ -e "$prefix$target" ]; then ln -sfn "$prefix$target" "$link"; fi ;; esac
done

mapfile -t folders < <(find "$prefix/usr/lib" "$prefix/lib" -name 'lib*.so*' -printf '%h\n' 2>/dev/null | sort -u)
# headers that installed packages' scripts would have linked into the usual folder
mapfile -t headers < <(find "$prefix/usr/include" \( -name hdf5.h -o -name cblas.h \) -printf '%h\n' | sort -u)
mapfile -t configs < <(find "$prefix/usr" -type d -name pkgconfig)
join() { local IFS=:; echo "$*"; }
multiarch=$(gcc -print-multiarch 2>/dev/null || true)
cat >"$to/env.sh" <<ENV
# Petrel and what it needs, for this shell: . $to/env.sh
export PETREL_DEPS=$prefix
export PATH=$to/petrel/build/bin:\$PATH:$prefix/usr/bin
export LD_LIBRARY_PATH=$(join "${folders[@]}")\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}
export LIBRARY_PATH=$(join "${folders[@]}")\${LIBRARY_PATH:+:\$LIBRARY_PATH}
export CPATH=$prefix/usr/include${multiarch:+:$prefix/usr/include/$multiarch}:$(join "${headers[@]}")\${CPATH:+:\$CPATH}
export PKG_CONFIG_LIBDIR=$(join "${configs[@]}") PKG_CONFIG_SYSROOT_DIR=$prefix
export DCMDICTPATH=$(find "$prefix/usr/share" -name dicom.dic -print -quit)
ENV
rm -rf "$to/petrel"
cp -r "$here/sources" "$to/petrel"
[ "${2:-}" = --no-build ] && exit 0
# shellcheck disable=SC1091
. "$to/env.sh"
echo "building in $to/petrel ..."
make -C "$to/petrel" -j"$(nproc)" all >"$to/make.log" 2>&1 || {
    grep -E -m 5 'error|Error' "$to/make.log" >&2
    fail "the build failed; the whole log is '$to/make.log'" 70
}
echo "done: . $to/env.sh, then petrel-train --version, or $to/petrel/run.sh"
