#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# valgrind -- every program on a short real run under memcheck, alone and in pipelines: no invalid access, no use of what was never set, no leak of ours.
#   tests/sanitize/valgrind.sh [BUILD_DIR] [ROWS]      ROWS: of tests/fault/programs.sh, such as 'cache|eval'
# tests/sanitize/valgrind.supp says what is somebody else's, and why. BUILD_DIR is one of make memcheck=1: the sandbox of the others forbids
# what valgrind does for itself (seccomp).
PETREL_FAULT_KINDS=none . "$(dirname "$0")/../fault/lib.sh" "${1:-build-memcheck}"
rows_wanted=${2:-.}
command -v valgrind >/dev/null || skip "valgrind is not installed"
small_quietly small_model
model=$SMALL/model/model.safetensors scan=$(small_scan 1)
for i in $(seq 0 15); do printf '%d\t%d\n' "$i" $((i + 9)); done >pairs.tsv
small_recipe 1 >small.conf
small_quietly small_visits
visits=$SMALL/visits run=$(find "$SMALL" -maxdepth 1 -name 'cache*.run' | head -n 1)
eval "$(sed -n "/^rois=/,/^)/p; /^cat >serve.sh/,/^END/p" "$TOP/tests/fault/programs.sh")" # the same runs
# AVX-512 is not known to valgrind 3.19; OpenBLAS is told, ours look for themselves
export OPENBLAS_CORETYPE=Haswell
# Every program is found behind a script of its name, which puts it under memcheck; so are those that a program or a pipeline starts.
mkdir under
for program in "$build"/bin/petrel-*; do
    [[ -x $program && $program != *.so && $program != */petrel-keep ]] || continue
    cat >"under/${program##*/}" <<END
#!/bin/sh
exec valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite --trace-children=yes \\
    --log-file="\$MEMCHECK_LOGS/%p" --suppressions="$TOP/tests/sanitize/valgrind.supp" "$program" "\$@"
END
    chmod +x "under/${program##*/}"
done
bad=0 ran=0 programs=0 done_before=''
for row in "${rows[@]}"; do
    IFS='|' read -r name command program <<<"$row"
    [[ $name =~ $rows_wanted ]] || continue
    case $done_before in *"|$command|"*) continue ;; esac # of a pipeline every program was looked at
    done_before+="|$command|"
    rm -rf at run logs && mkdir at at/out logs && cp -r "$SMALL/cache" at/cache
    if [ "$name" = followup ]; then cp -r "$EARLIER" at/earlier && cp -r "$LATER" at/later; fi
    ran=$((ran + 1))
    (cd at && eval "MEMCHECK_LOGS='$work/logs' PATH='$work/under:$PATH' timeout 1800 $command") >stdout 2>stderr </dev/null
    code=$?
    programs=$((programs + $(find logs -type f | wc -l)))
    found=$(find logs -type f -size +0 | wc -l)
    if [ $code != 0 ] || [ "$found" != 0 ]; then
        echo "$name: left with $code; $found processes were not clean"
        cat logs/* | head -n 40
        tail -n 3 stderr
        bad=$((bad + 1))
    else
        echo "$name: clean"
    fi
done
echo "$ran runs of $programs processes, $bad not clean"
[ $bad = 0 ]
