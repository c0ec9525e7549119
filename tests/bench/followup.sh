# SPDX-License-Identifier: Apache-2.0
# followup -- what petrel-followup says of two scans of simulated patients whose lesions changed by known factors. Sourced by run.sh.
# shellcheck shell=bash disable=SC2154 # build, work, threads are run.sh's
# PATIENTS=8, SEED=3; PETREL_MODEL: a model (every region is called tumour, so that it hardly matters which); WRONG=1: each lesion that is wrong.
# KEEP=DIR: cohort and results stay there, and are taken from there if there.
bench_followup() {
    local python n=${PATIENTS:-8} seed=${SEED:-3} at=${KEEP:-$work} model=${PETREL_MODEL:-} dir patient
    python=$(python_with nibabel) || { echo "nibabel is not installed (PETREL_PEERS): nothing to measure"; return 69; }
    echo "== followup: $n simulated patients of seed $seed, two scans each, every region called tumour"
    machine_begin
    local PATH=$build/bin:$PATH
    mkdir -p "$at"
    [ -n "$model" ] || {
        model=$work/model/model.safetensors
        petrel-simulate --quiet --out "$work/learn" --patients 8 --scale quick --seed 101 -j "$threads" &&
            pipelines/rois.sh "$work/learn/scans.tsv" --out "$work/cache" -j "$threads" &>"$work/log" &&
            petrel-cache split "$work/cache" --force --validation 0.2 --test 0.1 --seed 1 >>"$work/log" &&
            pipelines/train.sh --cache "$work/cache" --out "$work/model" --recipe pipelines/recipes/demo.conf \
                --backbone resnet10 --backbone-width 4 --epochs 2 -j "$threads" &>>"$work/log" || { tail -n 20 "$work/log"; return 70; }
    }
    [ -d "$at/cohort" ] || petrel-simulate --quiet --out "$at/cohort" --patients "$n" --scale quick --seed "$seed" --follow-up -j "$threads" || return
    [ -d "$at/earlier" ] || for visit in earlier:PETCT later:FOLLOWUP; do
        petrel-classify --quiet --model "$model" --threshold 0 --out "$at/${visit%:*}" "$at"/cohort/*/SIMULATED_"${visit#*:}" >"$work/log" 2>&1 ||
            { tail -n 20 "$work/log"; return 70; }
    done
    for dir in "$at"/later/*_FOLLOWUP_*/; do
        patient=$(basename "$dir") patient=${patient%_SIMULATED_*}
        petrel-followup --quiet "$at"/earlier/"$patient"_SIMULATED_PETCT_*/ "${dir%/}" >>"$work/said" || return
    done
    "$python" tests/bench/followup_score.py "$at/cohort" "$at/earlier" "$at/later" ${WRONG:+--wrong}
    machine_end
}
