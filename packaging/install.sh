#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# install -- what `make install` and `make uninstall` do.   packaging
#   packaging/install.sh BUILD DESTDIR BINDIR PKGLIBDIR PKGDATADIR MANDIR DOCDIR COMPLETIONSDIR
#   packaging/install.sh --remove DESTDIR BINDIR PKGLIBDIR PKGDATADIR MANDIR DOCDIR COMPLETIONSDIR
# Only files of these folders are written, with modes that do not depend on who builds. What is removed is what this would
# install and no more, and then the folders that are Petrel's own.
set -euo pipefail
umask 022
cd "$(dirname "$0")/.."
build=$1 root=$2 bindir=$3 pkglibdir=$4 pkgdatadir=$5 mandir=$6 docdir=$7 completionsdir=$8

if [ "$build" = --remove ]; then
    rm -f "$root$bindir"/petrel "$root$bindir"/petrel-* "$root$mandir"/man1/petrel.1 "$root$mandir"/man1/petrel-*.1
    rm -f "$root$completionsdir"/petrel "$root$completionsdir"/petrel-*
    rm -rf "$root${pkglibdir:?}" "$root${pkgdatadir:?}" "$root${docdir:?}"
    exit 0
fi

put() { # put MODE FOLDER FILE...
    local mode=$1 to=$root$2
    shift 2
    [ $# -gt 0 ] || return 0
    install -d -m 755 "$to"
    install -m "$mode" "$@" "$to/"
}
shopt -s nullglob
programs=() parts=()
for file in "$build"/bin/petrel-* "$build"/lib/petrel-cuda.so; do
    case $file in
    *.so) [ ! -f "$file" ] || parts+=("$file") ;;
    *) [ ! -x "$file" ] || programs+=("$file") ;;
    esac
done
[ ${#programs[@]} -gt 0 ] || { echo "install.sh: no programs in '$build/bin': make first" >&2; exit 66; }

put 755 "$bindir" "${programs[@]}"
put 644 "$pkglibdir" "${parts[@]}"
put 755 "$pkgdatadir/pipelines" pipelines/petrel.sh pipelines/{demo,rois,train,pretrain,classifier,supervised,classify}.sh
put 644 "$pkgdatadir/pipelines" pipelines/{lib,arguments}.sh
put 644 "$pkgdatadir/pipelines/recipes" pipelines/recipes/*.conf
for folder in pipelines/recipes/*/; do
    put 644 "$pkgdatadir/${folder%/}" "$folder"*.conf
done
put 755 "$pkgdatadir/pipelines/slurm" pipelines/slurm/submit.sh
put 644 "$pkgdatadir/pipelines/slurm" pipelines/slurm/job.sh pipelines/slurm/*.sbatch
put 644 "$pkgdatadir/pipelines/snakemake" pipelines/snakemake/Snakefile
put 755 "$pkgdatadir/pipelines/tables" pipelines/tables/[IVX]*.sh pipelines/tables/all.sh
put 644 "$pkgdatadir/pipelines/tables" pipelines/tables/{lib.sh,page.html} pipelines/tables/*.tsv pipelines/tables/*.conf
put 644 "$pkgdatadir/pipelines/tables/paper" pipelines/tables/paper/*.tsv
sed "s|@PIPELINES@|$(realpath -m --relative-to="$bindir" "$pkgdatadir/pipelines")|" packaging/petrel.in >"$build/petrel.tmp"
put 755 "$bindir" "$build/petrel.tmp"
mv "$root$bindir/petrel.tmp" "$root$bindir/petrel"
rm -f "$build/petrel.tmp"
put 644 "$mandir/man1" "$build"/man/*.1
put 644 "$docdir" README.md CHANGELOG.md docs/*.md proto/PROTOCOL.md proto/CACHE.md
install -d -m 755 "$root$completionsdir"
install -m 644 packaging/completion.bash "$root$completionsdir/petrel"
for program in "${programs[@]}"; do ln -sf petrel "$root$completionsdir/${program##*/}"; done
