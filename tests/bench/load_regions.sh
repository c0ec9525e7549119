# SPDX-License-Identifier: Apache-2.0
# load_regions -- components and properties of 103 regions beside scikit-image, resampling to 3 mm beside SciPy. Sourced by load.sh.
# shellcheck shell=bash disable=SC2154 # build, work, rounds are run.sh's

regions_against() { # TASK PYTHON_MODULE WHAT
    local ours=$work/$1.ours theirs=$work/$1.theirs python
    python=$(python_with "$2") || echo "$2 is not installed (PETREL_PEERS names a venv that has it): ours alone"
    : >"$theirs"
    for _ in $(seq $((rounds + 3))); do
        "$build/tests/bench/regions" "$1" "$work/regions.f32" 3 >>"$ours" || return
        [ -z "$python" ] || "$python" tests/bench/regions_peers.py "$1" "$work/regions.f32" >>"$theirs" || return
    done
    awk -v what="$3" -v peer="$(field version <"$theirs" | head -n 1)" -v a="$(best_of run_s lowest "$ours")" -v b="$(best_of run_s lowest "$theirs")" \
        -v c="$(best_of cpu_s lowest "$ours")" -v d="$(best_of cpu_s lowest "$theirs")" 'BEGIN {
        printf "| %s | %s | %s %s | %s | %s | %s | %s |\n", what, a, b == "" ? "-" : b, peer == "" ? "" : "(" peer ")",
            b == "" ? "-" : sprintf("%.1fx", b / a), c, d == "" ? "-" : d, d == "" ? "-" : sprintf("%.1fx", d / c) }'
    regions_same "$1" "$(tail -n 1 "$ours")" "$(tail -n 1 "$theirs")"
}
regions_same() { # TASK OURS THEIRS: what came out is the same, or the figures say nothing
    local key
    for key in regions voxels shape sum; do
        [ -z "$3" ] || [ "$(field $key <<<"$2")" = "$(field $key <<<"$3")" ] || { echo "$1: ours has $key $(field $key <<<"$2"), theirs $(field $key <<<"$3")"; return 1; }
    done
}

bench_load_regions() {
    echo "== regions: 103 made regions in a made body of 400 x 400 x 326 voxels, in memory; ours measures SUVpeak and oriented boxes, too"
    "$build/tests/bench/regions" make "$work/regions.f32" || return
    machine_begin
    printf '\n| what | Petrel, s | peer, s | ratio | processor, Petrel | peer | ratio |\n|---|---|---|---|---|---|---|\n'
    regions_against components skimage "components and properties, 103 regions" || return
    regions_against resample scipy "another grid, 3 x 3 x 3 mm, linear" || return
    machine_end
}
