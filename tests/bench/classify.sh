# SPDX-License-Identifier: Apache-2.0
# classify -- a scan from DICOM to its page: wall and processor seconds, and the largest process. Sourced by run.sh.
# shellcheck shell=bash disable=SC2154 # build, work, rounds, threads are run.sh's
# PETREL_DATA: the folder with ge_sarcoma_dicom; without it a simulated DICOM series of 400 x 400 x 326. PETREL_MODEL: a model file; without it one of
# the paper's network is made, trained for one short epoch on a simulated cohort: as large as any, and good for nothing else.

classify_model() {
    [ -z "${PETREL_MODEL:-}" ] || { model=$PETREL_MODEL; return; }
    model=$work/model/model.safetensors
    printf 'recipe_name = bench\nbatch = 8\npairs_per_epoch = 32\nepochs = 1\nwarmup = 0\nclassifier_epochs = 1\nclassifier_views = 1\n' >"$work/bench.conf"
    "$build/bin/petrel-simulate" --quiet --out "$work/few" --patients 6 --scale quick --seed 3 -j "$threads" &&
        pipelines/rois.sh "$work/few/scans.tsv" --out "$work/cache" -j "$threads" &>"$work/log" && petrel-cache split "$work/cache" --force --seed 1 >>"$work/log" &&
        pipelines/train.sh --cache "$work/cache" --out "$work/model" --recipe "$work/bench.conf" -j "$threads" &>>"$work/log" || { tail -n 20 "$work/log"; return 70; }
}

classify_timed() { # NAME COMMAND...: a line a round
    local name=$1 round TIMEFORMAT='wall_s=%R user_s=%U system_s=%S'
    shift
    for round in $(seq $((rounds + 3))); do
        rm -rf "$work/read" "$work/read.run"
        { time "$@" &>"$work/log"; } 2>>"$work/$name" || { tail "$work/log"; return 70; }
        cat "$work/log" "$work"/read.run/logs/*.log 2>/dev/null | sed -n 's/.*, \([0-9.]*\) MiB"\{0,1\}$/\1/p; s/.*, \([0-9.]*\) GiB"\{0,1\}$/\1 1024/p' |
            awk '{ m = $1 * ($2 ? $2 : 1); if (m > most) most = m } END { printf "peak_mib=%.0f\n", most }' >>"$work/$name.peak"
    done
    awk -v what="$*" -v n="$name" -v w="$(best_of wall_s lowest "$work/$name")" -v u="$(best_of user_s lowest "$work/$name")" \
        -v s="$(best_of system_s lowest "$work/$name")" -v m="$(best_of peak_mib highest "$work/$name.peak")" \
        'BEGIN { printf "| %s | %s | %.2f | %s |\n", n, w, u + s, m }'
}

bench_classify() {
    local model scan=${PETREL_DATA:+$PETREL_DATA/ge_sarcoma_dicom} PATH=$build/bin:$PATH
    [ -n "$scan" ] || { [ ! -d ../shared/data/ge_sarcoma_dicom ] || scan=../shared/data/ge_sarcoma_dicom; }
    if [ ! -d "$scan" ]; then
        load_scans && scan=$work/load/series || return
        echo "== classify: no GE series here (PETREL_DATA): a simulated DICOM series of 400 x 400 x 326 voxels, to its page"
    else
        echo "== classify: the GE sarcoma series, 267 DICOM slices of 128 x 128, to its page"
    fi
    classify_model || return
    machine_begin
    printf '\n| from DICOM to reading.html | wall, s | processor, s | largest process, MiB |\n|---|---|---|---|\n'
    classify_timed "run.sh classify" ./run.sh classify --model "$model" "$scan" --out "$work/read" -j 1 --backend cpu
    classify_timed "pipelines/classify.sh" pipelines/classify.sh --model "$model" "$scan" --out "$work/read" -j 1
    classify_timed "petrel-classify" petrel-classify --model "$model" "$scan" --out "$work/read"
    echo
    ls -l "$work"/read/*/ | awk 'NR > 1 && $5 { printf "%s %.0f kB; ", $9, $5 / 1000 } END { print "" }'
    machine_end
}
