# SPDX-License-Identifier: Apache-2.0
# keep -- what --keep tumour takes out of masks as a segmentation network leaves them, on simulated patients it has not seen. Sourced by run.sh.
# shellcheck shell=bash disable=SC2154 # build, work, threads are run.sh's
# PATIENTS=30 of them to be read, as many others to learn from, unless PETREL_MODEL names a model that learned from others; EPOCHS=20;
# THRESHOLDS="model 0.2": model is the model's own. PETREL_COHORT: a simulated cohort in place of one made here.
bench_keep() {
    local python n=${PATIENTS:-30}
    python=$(python_with nibabel) && "$python" -c 'import scipy' || { echo "nibabel and SciPy are not installed (PETREL_PEERS): nothing to measure"; return 69; }
    echo "== keep: $n simulated patients, masks of every lesion and 30 pieces of physiological uptake each"
    machine_begin
    local PATH=$build/bin:$PATH
    local model=${PETREL_MODEL:-} t
    [ -n "$model" ] || {
        model=$work/model/model.safetensors
        petrel-simulate --quiet --out "$work/learn" --patients "$n" --scale quick --seed 101 -j "$threads" &&
            pipelines/rois.sh "$work/learn/scans.tsv" --out "$work/cache" -j "$threads" &>"$work/log" &&
            petrel-cache split "$work/cache" --force --validation 0.2 --test 0.1 --seed 1 >>"$work/log" &&
            pipelines/train.sh --cache "$work/cache" --out "$work/model" --recipe pipelines/recipes/demo.conf \
                --backbone resnet10 --backbone-width 16 --epochs "${EPOCHS:-20}" -j "$threads" &>>"$work/log" || { tail -n 20 "$work/log"; return 70; }
    }
    local read=${PETREL_COHORT:-$work/read} words
    [ -d "$read" ] || petrel-simulate --quiet --out "$read" --patients "$n" --scale quick --seed 202 -j "$threads" || return
    "$python" tests/bench/keep_mask.py make "$read" "$work/masks" || return
    for t in ${THRESHOLDS:-model 0.2}; do
        echo "-- threshold: $t"
        words=()
        [ "$t" = model ] || words=(--threshold "$t")
        rm -rf "$work/kept" "$work/kept.run"
        pipelines/classify.sh --model "$model" "$work/masks/list.tsv" --roi-method given --keep tumour "${words[@]}" --out "$work/kept" -j "$threads" &>"$work/log" ||
            { tail -n 20 "$work/log"; return 70; }
        "$python" tests/bench/keep_mask.py count "$work/masks" "$work/kept"
        echo "the program's own: $(sed -n 's/^\(fpv_[a-z]*_ml\),ml,\([0-9]*\),\([^,]*\),.*/\1 mean \3 over \2 scans;/p' "$work/kept/summary.csv" | tr '\n' ' ')"
    done
    machine_end
}
