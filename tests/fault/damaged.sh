#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# damaged -- R6: damaged files of every kind through the real programs, as an archive's would come: petrel-load --check reads each and goes on.
# No reader dies, no file takes a second, memory stays under twice the cap.
#   tests/fault/damaged.sh [BUILD_DIR] [FILES]      400
. "$(dirname "$0")/lib.sh" "${1:-build}"
wanted=${2:-400} done=0 crashed=0 batch=4000 most_kib=0 cap_kib=$((1 << 20)) round=0
begun=$SECONDS
while [ $done -lt "$wanted" ]; do
    n=$((wanted - done < batch ? wanted - done : batch))
    round=$((round + 1))
    rm -rf files
    mkdir files
    "$build/tests/fuzz/parsers" --mutants files $n $((${PETREL_FAULT_SEED:-1} * 1000 + round)) || exit
    # by kind, so that one that ends a reader is told from the others
    for kind in files/*; do
        petrel-load --check --memory-limit 1 "$kind" >said 2>errors
        code=$?
        case $code in
        0 | 65 | 66) ;;
        *) echo "${kind##*/}: petrel-load --check ends with $code"; tail -n 2 errors; crashed=$((crashed + 1)) ;;
        esac
        if grep -E 'killed its reader|ended its reader|took more than' said errors | head -n 3 | grep .; then
            crashed=$((crashed + $(grep -cE 'killed its reader|ended its reader|took more than' said)))
        fi
        # its last line: "..., 5.3 s, 29 MiB"
        kib=$(tail -n 1 errors | awk '{ unit["KiB"] = 1; unit["MiB"] = 1024; unit["GiB"] = 1048576; printf "%d", $(NF - 1) * unit[$NF] }')
        most_kib=$((${kib:-0} > most_kib ? kib : most_kib))
    done
    done=$((done + n))
done
[ $most_kib -le $((2 * cap_kib)) ] || { echo "memory came to $most_kib KiB, the cap is $cap_kib"; crashed=$((crashed + 1)); }
echo "$done files in $((SECONDS - begun)) s, $((most_kib / 1024)) MiB at most"
tell R6 "damaged files through petrel-load: crashed" "$done" files 0 0 $crashed
