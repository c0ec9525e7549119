# SPDX-License-Identifier: Apache-2.0
# load -- scans in: reading against nibabel and pydicom, a scan through load, suv and roi, and workers side by side. Sourced by run.sh.
# What else belongs to scans, a part each: tests/bench/load_NAME.sh with a function bench_load_NAME; all that are there are run.
# shellcheck shell=bash disable=SC2154 # build, work, rounds are run.sh's

load_scans() { # simulated, made once: a scan of 400 x 400 x 326 float32 in .nii.gz, and as a DICOM series
    [ ! -d "$work/load" ] || return 0
    "$build/bin/petrel-simulate" --quiet --out "$work/cohort" --patients 1 --scale full --seed 3 -j 1 || return
    "$build/tests/bench/load" make "$work"/cohort/*/*/PET.nii.gz "$work/load" || return
    cp "$work"/cohort/*/*/PET.json "$work/load/scan.json"
}

# ours and the peer's in turn; both are shown at their best
load_against() { # KIND PYTHON_MODULE PATH WHAT
    local round ours=$work/$1.ours theirs=$work/$1.theirs python
    python=$(python_with "$2") || echo "$2 is not installed (PETREL_PEERS names a venv that has it): ours alone"
    : >"$theirs"
    for round in $(seq $((rounds + 3))); do
        "$build/tests/bench/load" read "$3" >>"$ours"
        [ -z "$python" ] || "$python" tests/bench/load_peers.py "$1" "$3" >>"$theirs"
    done
    awk -v what="$4" -v peer="$(field version <"$theirs" | head -n 1)" -v a="$(best_of read_s lowest "$ours")" -v b="$(best_of read_s lowest "$theirs")" \
        -v c="$(best_of cpu_s lowest "$ours")" -v d="$(best_of cpu_s lowest "$theirs")" \
        -v m="$(best_of peak_mib lowest "$ours")" -v n="$(best_of peak_mib lowest "$theirs")" 'BEGIN {
        if (b == "") { printf "| %s | %s | - | - | %s | - | - | %s | - | - |\n", what, a, c, m; exit }
        printf "| %s | %s | %s (%s) | %.1fx | %s | %s | %.1fx | %s | %s | %.2f |\n", what, a, b, peer, b / a, c, d, d / c, m, n, m / n }'
}

# rois.sh on some cores: wall and processor seconds, and the largest process
load_pipeline() { # CORES JOBS SCAN...
    local cores=$1 jobs=$2 took work=$work/on.$1
    shift 2
    rm -rf "$work"
    mkdir -p "$work"
    local TIMEFORMAT='wall_s=%R user_s=%U system_s=%S'
    took=$({ time taskset -c "$cores" pipelines/rois.sh "$@" --out "$work/out" -j "$jobs" >"$work/rois.log" 2>&1; } 2>&1)
    # every program's last line ends with its peak
    echo "$took peak_mib=$(sed -n 's/.*, \([0-9.]*\) MiB"\{0,1\}$/\1/p; s/.*, \([0-9.]*\) GiB"\{0,1\}$/\1 1024/p' "$work"/out.run/logs/*.log |
        awk '{ m = $1 * ($2 ? $2 : 1); if (m > most) most = m } END { printf "%.0f", most }') regions=$(sed -n 's/.* \([0-9]*\) regions.*/\1/p' "$work/rois.log" | tail -n 1)"
}

bench_load() {
    local part i scans=()
    echo "== load: scans in, 400 x 400 x 326 voxels, simulated; reading alone, then whole pipelines"
    load_scans || return
    machine_begin
    printf '\n| read | Petrel, s | peer, s | ratio | Petrel, processor s | peer | ratio | Petrel, peak MiB | peer | share |\n|---|---|---|---|---|---|---|---|---|---|\n'
    load_against nifti nibabel "$work/load/scan.nii.gz" ".nii.gz float32"
    load_against dicom_stack pydicom "$work/load/series" "DICOM, 326 slices, as people write it (numpy.stack)"
    load_against dicom pydicom "$work/load/series" "DICOM, 326 slices, into an array made beforehand"
    echo "DCMTK's dictionary, read once a process, took $(best_of start_s lowest "$work/dicom.ours") s before the clock; pydicom's is read by its import, before its own"
    printf '\n| pipeline | wall, s | processor, s | largest process, MiB |\n|---|---|---|---|\n'
    for i in $(seq 16); do # the same voxels, as sixteen patients'
        mkdir -p "$work/scans/$i"
        ln -f "$work/load/scan.nii.gz" "$work/scans/$i"
        sed "s/\"SIMULATED_0001\"/\"SIMULATED_00$i\"/" "$work/load/scan.json" >"$work/scans/$i/scan.json"
        scans+=("$work/scans/$i")
    done
    for i in $(seq "$rounds"); do
        load_pipeline 0 1 "${scans[0]}" >>"$work/one"
        load_pipeline 0 1 "${scans[@]}" >>"$work/sixteen.1"
        load_pipeline 0,1 2 "${scans[@]}" >>"$work/sixteen.2"
        load_pipeline 0,1 1 "${scans[@]}" >>"$work/sixteen.1.2"
        load_pipeline 0 1 "${scans[@]}" >>"$work/sixteen.apart" &
        load_pipeline 1 1 "${scans[@]}" >>"$work/sixteen.apart"
        wait $!
    done
    load_row one "a scan through load, suv, roi and cache, one core"
    load_row sixteen.1 "sixteen scans, -j 1, one core"
    load_row sixteen.1.2 "sixteen scans, -j 1, two cores"
    load_row sixteen.2 "sixteen scans, -j 2, two cores"
    load_row sixteen.apart "sixteen scans, -j 1, one core, while the other core does the same"
    awk -v a="$(best_of wall_s lowest "$work/sixteen.1")" -v b="$(best_of wall_s lowest "$work/sixteen.2")" \
        -v c="$(best_of wall_s lowest "$work/sixteen.apart")" \
        'BEGIN { printf "-j 2 on two cores against -j 1 on one: %.2fx; two runs apart, a core each: %.2fx, what this machine gives\n", a / b, 2 * a / c }'
    machine_end
    for part in tests/bench/load_*.sh; do
        [ -f "$part" ] || continue
        # shellcheck source=/dev/null
        . "$part"
        part=${part##*/}
        echo
        "bench_${part%.sh}"
    done
}
load_row() { # FILE WHAT: the quickest round
    sort -t= -k2 -g "$work/$1" | head -n 1 | awk -v what="$2" '{ for (i = 1; i <= NF; i++) { split($i, f, "="); v[f[1]] = f[2] }
        printf "| %s | %.2f | %.2f | %s |\n", what, v["wall_s"], v["user_s"] + v["system_s"], v["peak_mib"] }'
}
