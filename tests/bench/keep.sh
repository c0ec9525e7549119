# SPDX-License-Identifier: Apache-2.0
# keep -- what --keep tumour takes out of masks as a segmentation network leaves them, on simulated patients it has not seen. Sourced by run.sh.
# shellcheck shell=bash disable=SC2154 # build, work, threads are run.sh's
# PATIENTS=30 of them to be read, as many others to learn from; EPOCHS=20.
bench_keep() {
    local python n=${PATIENTS:-30}
    python=$(python_with nibabel) && "$python" -c 'import scipy' || { echo "nibabel and SciPy are not installed (PETREL_PEERS): nothing to measure"; return 69; }
    echo "== keep: $n simulated patients, masks of every lesion and 30 pieces of physiological uptake each"
    machine_begin
    local PATH=$build/bin:$PATH
    petrel-simulate --quiet --out "$work/learn" --patients "$n" --scale quick --seed 101 -j "$threads" &&
        petrel-simulate --quiet --out "$work/read" --patients "$n" --scale quick --seed 202 -j "$threads" &&
        pipelines/rois.sh "$work/learn/scans.tsv" --out "$work/cache" -j "$threads" &>"$work/log" &&
        petrel-cache split "$work/cache" --force --validation 0.2 --test 0.1 --seed 1 >>"$work/log" &&
        pipelines/train.sh --cache "$work/cache" --out "$work/model" --recipe pipelines/recipes/demo.conf \
            --backbone resnet10 --backbone-width 16 --epochs "${EPOCHS:-20}" -j "$threads" &>>"$work/log" || { tail -n 20 "$work/log"; return 70; }
    "$python" tests/bench/keep_mask.py make "$work/read" "$work/masks" &&
        pipelines/classify.sh --model "$work/model/model.safetensors" "$work/masks/list.tsv" --roi-method given --keep tumour --out "$work/kept" -j "$threads" &>"$work/log" ||
        { tail -n 20 "$work/log"; return 70; }
    "$python" tests/bench/keep_mask.py count "$work/masks" "$work/kept"
    echo "the program's own: $(perl -F, -lane 'if ($. == 1) { s/\r//; @i = grep { $F[$_] =~ /^fpv_(given|kept)_ml\r?$/ } 0 .. $#F } else { s/"[^"]*"/x/g; @f = split /,/; $s[$_] += $f[$i[$_]] for 0 .. 1 } END { printf "FPV %.1f -> %.1f ml", @s }' "$work/kept/scans.csv")"
    machine_end
}
